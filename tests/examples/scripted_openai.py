"""Runs `openai_agent.py` with a scripted model instead of a real one."""

# pyright: basic, reportMissingImports=false, reportArgumentType=false

import json
from typing import Any

import openai_agent
from agents import Model, ModelResponse, Usage, set_tracing_disabled
from errand import Call, Script, conclude, run
from openai.types.responses import ResponseFunctionToolCall, ResponseOutputMessage, ResponseOutputText


class Scripted(Model):
    def __init__(self, script: Script) -> None:
        self.script = script

    async def get_response(self, *arguments: Any, **request: Any) -> ModelResponse:
        said = [] if isinstance(request["input"], str) else request["input"]
        answers = [_text(item["output"]) for item in said if item.get("type") == "function_call_output"]
        reply = self.script.reply([tool.name for tool in request["tools"]], answers)
        spoken = _sentence(reply) if isinstance(reply, str) else _call(str(len(answers)), reply)
        return ModelResponse(output=[spoken], usage=Usage(), response_id=None)

    def stream_response(self, *arguments: Any, **request: Any) -> Any:
        raise NotImplementedError


def _text(output: Any) -> str:
    return output if isinstance(output, str) else "".join(part["text"] for part in output)


def _call(number: str, call: Call) -> ResponseFunctionToolCall:
    written = json.dumps(call.arguments)
    return ResponseFunctionToolCall(arguments=written, call_id=number, name=call.tool, type="function_call")


def _sentence(text: str) -> ResponseOutputMessage:
    content = [ResponseOutputText(annotations=[], text=text, type="output_text")]
    return ResponseOutputMessage(id="end", content=content, role="assistant", status="completed", type="message")


if __name__ == "__main__":
    set_tracing_disabled(disabled=True)
    script = Script()
    openai_agent.MODEL = Scripted(script)
    conclude(script, run(openai_agent))
