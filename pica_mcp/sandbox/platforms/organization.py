"""A Supabase organization in the sandbox: projects with secrets, functions, stored objects and tables."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from types import MappingProxyType
from typing import Any, cast

from pica_mcp.sandbox.upstream import Call, Json, Ledger, ProviderError, Reply, json_value, slug, stamp, strings

_MESSAGES: Mapping[int, str] = MappingProxyType(
    {400: "Invalid request body", 401: "Unauthorized", 404: "Resource not found"}
)
_SELECT = re.compile(r"select (\*|count\(\*\)) from (\w+)(?: limit (\d{1,6}))?", re.IGNORECASE)
_DELETE = re.compile(r"(delete from|truncate|drop table) (\w+)", re.IGNORECASE)
_SECRET_NAME = re.compile(r"(?!SUPABASE_)[A-Za-z_]\w{0,255}", re.ASCII)


def refuse(status: int, message: str = "") -> Reply:
    """Supabase's error body."""
    return Reply(status, {"message": message or _MESSAGES[status]})


def fault(message: str, status: int = 400) -> ProviderError:
    """A refusal as an exception; an empty message is the usual one."""
    return ProviderError(refuse(status, message))


@dataclass(slots=True)
class Project:
    """A project with what it holds; secrets and functions by name, objects by bucket and name, rows by table."""

    row: Json
    secrets: dict[str, str] = field(default_factory=dict[str, str])
    functions: dict[str, Json] = field(default_factory=dict[str, Json])
    objects: dict[tuple[str, str], bytes] = field(default_factory=dict[tuple[str, str], bytes])
    tables: dict[str, list[Json]] = field(default_factory=dict[str, list[Json]])


class Organization:
    """One organization with a running and a paused project; every method is one endpoint of the management API."""

    def __init__(self, seed: str, label: str) -> None:
        self._ledger = Ledger(seed)
        self._projects: dict[str, Project] = {}
        self.id = slug(label)
        engine, _ = self._project("engine", "ACTIVE_HEALTHY"), self._project("archive", "INACTIVE")
        engine.secrets["SMTP_PASSWORD"] = "oil-can"  # noqa: S105 - it opens nothing
        engine.objects["manuals", "engine/gear 42.txt"] = b"Oil it every Monday.\n"
        engine.tables["gears"] = [{"id": number, "teeth": 12 * number} for number in (1, 2, 3)]
        self._function(engine, "turn-crank", b"export default () => 'turned'\n")

    # --- projects ---------------------------------------------------------------------------------------------------

    def list_projects(self, call: Call) -> Reply:
        del call
        return Reply(body=[project.row for project in self._projects.values()])

    def get_project(self, call: Call) -> Reply:
        return Reply(body=self._find(call).row)

    def pause(self, call: Call) -> Reply:
        self._running(call).row["status"] = "INACTIVE"
        return Reply()

    def restore(self, call: Call) -> Reply:
        project = self._find(call)
        if project.row["status"] != "INACTIVE":
            raise fault("Project is not paused")
        project.row["status"] = "ACTIVE_HEALTHY"
        return Reply()

    def run_query(self, call: Call) -> Reply:
        project, query = self._running(call), call.json().get("query")
        if not isinstance(query, str):
            raise fault("query: Required")
        return Reply(201, _run(project.tables, " ".join(query.split()).removesuffix(";")))

    # --- secrets ----------------------------------------------------------------------------------------------------

    def list_secrets(self, call: Call) -> Reply:
        secrets = sorted(self._find(call).secrets.items())
        return Reply(body=[{"name": name, "value": sha256(value.encode()).hexdigest()} for name, value in secrets])

    def create_secrets(self, call: Call) -> Reply:
        project = self._find(call)
        project.secrets.update([_secret(item) for item in _array(call)])
        return Reply(201)

    def delete_secrets(self, call: Call) -> Reply:
        project, names = self._find(call), strings(_array(call))
        for name in names:
            project.secrets.pop(name, None)  # Supabase does not mind a name that is not there
        return Reply()

    # --- storage ----------------------------------------------------------------------------------------------------

    def head_object(self, call: Call) -> Reply:
        """Everything it has to say is in the headers, a refusal too."""
        content = self._find(call).objects.get((call.path["bucket"], call.path["name"]))
        gateway = ("sb-gateway-version", "1")
        if content is None:
            return Reply(404, headers=(gateway,))
        tag = f'"{sha256(content).hexdigest()[:32]}"'
        size = ("x-object-size", str(len(content)))
        return Reply(headers=(gateway, ("content-type", "text/plain"), ("etag", tag), size))

    # --- functions --------------------------------------------------------------------------------------------------

    def list_functions(self, call: Call) -> Reply:
        return Reply(body=list(self._find(call).functions.values()))

    def deploy_function(self, call: Call) -> Reply:
        project, parts = self._find(call), call.parts()
        name = call.first("slug") or (parts["name"].content.decode(errors="replace") if "name" in parts else "")
        if slug(name) != name:
            raise fault("slug: must be lower-case words joined by dashes")
        if "file" not in parts or not parts["file"].content:
            raise fault("file: Required")
        return Reply(201, self._function(project, name, parts["file"].content))

    def trigger_function(self, call: Call) -> Reply:
        """A GET that writes: every call is a run, and counted."""
        function = self._running(call).functions.get(call.path["function_slug"])
        if function is None:
            raise fault("Function not found", 404)
        function["runs"] += 1
        return Reply(body={"slug": function["slug"], "runs": function["runs"], "result": "turned"})

    # --- what they share --------------------------------------------------------------------------------------------

    def _find(self, call: Call) -> Project:
        if call.path["ref"] not in self._projects:
            raise fault("", 404)
        return self._projects[call.path["ref"]]

    def _running(self, call: Call) -> Project:
        project = self._find(call)
        if project.row["status"] == "INACTIVE":
            raise fault("Project is paused")
        return project

    def _project(self, name: str, status: str) -> Project:
        ref = self._ledger.token(20)
        row: Json = {
            "id": ref,
            "ref": ref,
            "organization_id": self.id,
            "name": name,
            "region": "eu-west-2",
            "status": status,
            "created_at": stamp(self._ledger.moment()),
        }
        self._projects[ref] = Project(row)
        return self._projects[ref]

    def _function(self, project: Project, name: str, source: bytes) -> Json:
        earlier = project.functions.get(name, {"id": self._ledger.token(32), "version": 0, "runs": 0})
        project.functions[name] = {
            **earlier,
            "slug": name,
            "status": "ACTIVE",
            "version": earlier["version"] + 1,
            "size": len(source),
            "updated_at": stamp(self._ledger.moment()),
        }
        return project.functions[name]


def _run(tables: dict[str, list[Json]], query: str) -> list[Json]:
    if found := _SELECT.fullmatch(query):
        rows = _table(tables, found[2])[: int(found[3] or 1_000_000)]
        return [{"count": len(rows)}] if found[1] != "*" else rows
    if found := _DELETE.fullmatch(query):
        _table(tables, found[2]).clear()
        if found[1].lower() == "drop table":
            del tables[found[2]]
        return []
    raise fault(f'Failed to run sql query: ERROR: 42601: syntax error at or near "{query.partition(" ")[0][:40]}"')


def _table(tables: dict[str, list[Json]], name: str) -> list[Json]:
    if name not in tables:
        raise fault(f'Failed to run sql query: ERROR: 42P01: relation "{name}" does not exist')
    return tables[name]


def _array(call: Call) -> list[Any]:
    value = json_value(call.json_bytes())
    if not isinstance(value, list):
        raise fault("Expected array")
    return cast("list[Any]", value)


def _secret(item: Any) -> tuple[str, str]:
    fields = cast("Json", item) if isinstance(item, dict) else {}
    name, value = fields.get("name"), fields.get("value")
    if not isinstance(name, str) or not isinstance(value, str) or not _SECRET_NAME.fullmatch(name):
        raise fault("Each secret needs a name of word characters, not starting with SUPABASE_, and a value in text")
    return name, value
