"""OpenAI in the sandbox: schemas many levels deep, documents of any length, and answers that are no text."""

from pica_mcp.sandbox.catalog import HIDDEN, Action, Connector, Platform, in_body, in_path, in_query
from pica_mcp.sandbox.platforms.studio import PURPOSES, Studio, refuse
from pica_mcp.sandbox.upstream import Json

MODEL = in_path("model", "The model's name.", "echo-large")
FILE = in_path("file_id", "The file's id.", "file-5f1c3e9a7b2d48a06c1e")
USING = in_body("model", "string", "The model's name.", "echo-large", required=True)

LONG, LONGER = 10_000, 100_000


def platform() -> Platform:
    """OpenAI as one of the imitated platforms."""
    return Platform(
        Connector("openai", "OpenAI", "AI", "Models for text, pictures and speech", oauth=False),
        "https://api.openai.com",
        (*_models(), *_text(), *_media(), *_files()),
        Studio,
        refuse,
    )


def _models() -> tuple[Action, ...]:
    model = {"id": "echo-large", "object": "model", "created": 1767603600, "owned_by": "system"}
    return (
        Action(
            "openai",
            "GET",
            "/v1/models",
            "List Models",
            "Model",
            Studio.list_models,
            "Lists the models that the account can use.",
            output={"object": "list", "data": [model]},
        ),
        Action(
            "openai",
            "GET",
            "/v1/models/{{model}}",
            "Retrieve a Model",
            "Model",
            Studio.get_model,
            "Returns one model.",
            (MODEL,),
            output=model,
        ),
        Action(
            "openai",
            "DELETE",
            "/v1/models/{{model}}",
            "Delete a Fine-tuned Model",
            "Model",
            Studio.delete_model,
            "Deletes a model of your own for good.",
            (MODEL,),
            tags=(HIDDEN,),
            output={"id": "ft:echo:gears", "object": "model", "deleted": True},
        ),
    )


def _text() -> tuple[Action, ...]:
    vector = {"object": "embedding", "index": 0, "embedding": [0.25, -0.5]}
    return (
        Action(
            "openai",
            "POST",
            "/v1/chat/completions",
            "Create a Chat Completion",
            "Chat",
            Studio.complete,
            "Answers a conversation.",
            shape="schema",
            schemas={"body": _chat()},
            output={"object": "chat.completion", "choices": [{"message": {"role": "assistant", "content": "Hello"}}]},
            min_chars=LONGER,
        ),
        Action(
            "openai",
            "POST",
            "/v1/embeddings",
            "Create Embeddings",
            "Embedding",
            Studio.embed,
            "Turns texts into vectors.",
            (
                in_body("model", "string", "The model's name.", "echo-embed", required=True),
                in_body("input", "string | array", "One text or several.", "Gear 42", required=True),
            ),
            tags=("embeddings",),
            output={"object": "list", "data": [vector]},
            min_chars=LONG,
        ),
    )


def _media() -> tuple[Action, ...]:
    return (
        Action(
            "openai",
            "POST",
            "/v1/images/generations",
            "Create an Image",
            "Image",
            Studio.create_image,
            "Draws what the prompt says; the picture comes in base64.",
            (in_body("prompt", "string", "What to draw.", "A brass gear", required=True),),
            tags=("images",),
            output={"created": 1767603600, "data": [{"id": "img-5f1c3e9a7b2d48a0", "b64_json": "iVBORw0KGgo="}]},
        ),
        Action(
            "openai",
            "GET",
            "/v1/images/{{image_id}}/content",
            "Download an Image",
            "Image",
            Studio.download_image,
            "Returns the bytes of a picture as image/png.",
            (in_path("image_id", "The image's id.", "img-welcome"),),
            tags=("images",),
        ),
        Action(
            "openai",
            "POST",
            "/v1/audio/speech",
            "Create Speech",
            "Audio",
            Studio.speak,
            "Reads a text aloud and returns the bytes as audio/wav.",
            (
                USING,
                in_body("input", "string", "What to say. Max length 4096.", "Turn the crank.", required=True),
                in_body("response_format", "string", "The kind of file.", "wav", values=("wav",)),
            ),
            tags=("audio",),
        ),
    )


def _files() -> tuple[Action, ...]:
    row = {"id": FILE.sample, "object": "file", "bytes": 45, "filename": "gears.jsonl", "purpose": "fine-tune"}
    return (
        Action(
            "openai",
            "GET",
            "/v1/files",
            "List Files",
            "File",
            Studio.list_files,
            "Lists uploaded files.",
            (in_query("purpose", "string", "Only files for this purpose.", "fine-tune", values=PURPOSES),),
            output={"object": "list", "data": [row], "has_more": False},
        ),
        Action(
            "openai",
            "POST",
            "/v1/files",
            "Upload a File",
            "File",
            Studio.upload_file,
            "Keeps a file for later use.",
            (
                in_body("file", "string", "The file's content.", "Gear 42 squeaks.", required=True),
                in_body("purpose", "string", "What it is for.", "user_data", required=True, values=PURPOSES),
            ),
            encoding="multipart",
            output=row,
        ),
        Action(
            "openai",
            "GET",
            "/v1/files/{{file_id}}/content",
            "Retrieve File Content",
            "File",
            Studio.file_content,
            "Returns the bytes of a file as they were uploaded.",
            (FILE,),
        ),
        Action(
            "openai",
            "DELETE",
            "/v1/files/{{file_id}}",
            "Delete a File",
            "File",
            Studio.delete_file,
            "Deletes a file for good.",
            (FILE,),
            output={"id": FILE.sample, "object": "file", "deleted": True},
        ),
    )


def _chat() -> Json:
    return {
        "type": "object",
        "required": ["model", "messages"],
        "properties": {
            "model": {"type": "string", "description": "The model's name."},
            "messages": {
                "type": "array",
                "description": "The conversation so far.",
                "minItems": 1,
                "items": _message(),
            },
            "tools": {"type": "array", "description": "What the model may call.", "items": _tool()},
            "tool_choice": {
                "description": "Whether it has to call one.",
                "oneOf": [
                    {"type": "string", "enum": ["none", "auto", "required"]},
                    {"type": "object", "properties": {"function": {"type": "object"}}},
                ],
            },
            "response_format": {
                "description": "The form of the answer.",
                "oneOf": [_tagged("text"), _tagged("json_object"), _tagged("json_schema", json_schema=_json_schema())],
            },
            "temperature": {"type": ["number", "null"], "minimum": 0, "maximum": 2, "default": 1},
            "stop": {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]},
            "metadata": {"type": "object", "additionalProperties": {"type": "string"}},
        },
        "examples": [{"model": "echo-large", "messages": [{"role": "user", "content": "Hello"}]}],
    }


def _message() -> Json:
    parts = [
        _tagged("text", text={"type": "string"}),
        _tagged(
            "image_url",
            image_url={
                "type": "object",
                "required": ["url"],
                "properties": {"url": {"type": "string", "format": "uri"}, "detail": {"enum": ["low", "high", "auto"]}},
            },
        ),
        _tagged("input_audio", input_audio={"type": "object", "properties": {"data": {"type": "string"}}}),
    ]
    return {
        "type": "object",
        "required": ["role", "content"],
        "properties": {
            "role": {"type": "string", "enum": ["system", "user", "assistant", "tool"]},
            "content": {"oneOf": [{"type": "string"}, {"type": "array", "items": {"oneOf": parts}}, {"type": "null"}]},
            "name": {"type": "string", "pattern": "^[a-zA-Z0-9_-]{1,64}$"},
        },
    }


def _tool() -> Json:
    function = {
        "type": "object",
        "required": ["name"],
        "properties": {
            "name": {"type": "string"},
            "description": {"type": "string"},
            "parameters": {"type": "object", "description": "A JSON Schema.", "additionalProperties": True},
            "strict": {"type": ["boolean", "null"]},
        },
    }
    return _tagged("function", function=function)


def _json_schema() -> Json:
    schema = {
        "type": "object",
        "properties": {"properties": {"type": "object", "additionalProperties": {"$ref": "#/$defs/schema"}}},
        "$defs": {"schema": {"type": "object", "properties": {"type": {"type": "string"}}}},
    }
    return {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}, "schema": schema}}


def _tagged(kind: str, **properties: Json) -> Json:
    """An object whose `type` says which one it is, with what that one needs."""
    return {"type": "object", "required": ["type", *properties], "properties": {"type": {"const": kind}, **properties}}
