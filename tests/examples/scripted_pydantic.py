"""Runs `pydantic_agent.py` with a scripted model instead of a real one."""

# pyright: basic, reportMissingImports=false

import pydantic_agent
from errand import Script, conclude, run
from pydantic_ai import ModelMessage, ModelResponse, TextPart, ToolCallPart, ToolReturnPart
from pydantic_ai.models.function import AgentInfo, FunctionModel


def scripted(script: Script) -> FunctionModel:
    def respond(messages: list[ModelMessage], agent: AgentInfo) -> ModelResponse:
        parts = [part for message in messages for part in message.parts]
        answers = [part.model_response_str() for part in parts if isinstance(part, ToolReturnPart)]
        reply = script.reply([tool.name for tool in agent.function_tools], answers)
        spoken = TextPart(reply) if isinstance(reply, str) else ToolCallPart(reply.tool, reply.arguments)
        return ModelResponse([spoken])

    return FunctionModel(respond)


if __name__ == "__main__":
    script = Script()
    pydantic_agent.MODEL = scripted(script)
    conclude(script, run(pydantic_agent))
