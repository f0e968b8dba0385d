"""Runs `langchain_agent.py` with a scripted model instead of a real one."""

# pyright: basic, reportMissingImports=false

from typing import Any

import langchain_agent
from errand import Script, conclude, run
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.utils.function_calling import convert_to_openai_tool


class Scripted(BaseChatModel):
    script: Script
    offered: tuple[str, ...] = ()

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def bind_tools(self, tools: Any, **options: Any) -> "Scripted":
        shown = [convert_to_openai_tool(tool) for tool in tools]  # as a provider's model would show them
        return Scripted(script=self.script, offered=tuple(tool["function"]["name"] for tool in shown))

    def _generate(self, messages: list[BaseMessage], *arguments: Any, **options: Any) -> ChatResult:
        answers = [message.text for message in messages if isinstance(message, ToolMessage)]
        reply = self.script.reply(self.offered, answers)
        if isinstance(reply, str):
            message = AIMessage(reply)
        else:
            call = {"id": str(len(answers)), "name": reply.tool, "args": reply.arguments}
            message = AIMessage("", tool_calls=[call])
        return ChatResult(generations=[ChatGeneration(message=message)])


if __name__ == "__main__":
    script = Script()
    langchain_agent.MODEL = Scripted(script=script)
    conclude(script, run(langchain_agent))
