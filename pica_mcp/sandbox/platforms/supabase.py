"""Supabase in the sandbox: bodies that are arrays, a HEAD, an upload, and a GET that writes."""

from pica_mcp.sandbox.catalog import Action, Connector, Platform, in_body, in_path, in_query
from pica_mcp.sandbox.platforms.organization import Organization, refuse

REF = in_path("ref", "The project's reference.", "b7d2f0a94c1e8365b7d2")
SLUG = in_path("function_slug", "The function's slug.", "turn-crank")

_ARRAYS = {
    "create": {
        "type": "array",
        "description": "The secrets to set.",
        "items": {
            "type": "object",
            "required": ["name", "value"],
            "properties": {
                "name": {"type": "string", "description": "The secret's name; it may not start with SUPABASE_."},
                "value": {"type": "string", "description": "The secret's value."},
            },
        },
        "examples": [[{"name": "SMTP_PASSWORD", "value": "oil-can"}]],
    },
    "delete": {
        "type": "array",
        "description": "The names to forget.",
        "items": {"type": "string"},
        "examples": [["SMTP_PASSWORD"]],
    },
}


def platform() -> Platform:
    """Supabase as one of the imitated platforms."""
    return Platform(
        Connector("supabase", "Supabase", "Databases", "Postgres with storage and functions"),
        "https://api.supabase.com",
        (*_projects(), *_secrets(), *_functions(), _storage()),
        Organization,
        refuse,
    )


def _projects() -> tuple[Action, ...]:
    project = {"id": REF.sample, "name": "engine", "region": "eu-west-2", "status": "ACTIVE_HEALTHY"}
    return (
        Action(
            "supabase",
            "GET",
            "/v1/projects",
            "List Projects",
            "Project",
            Organization.list_projects,
            "Lists all projects of the organization.",
            output=[project],
        ),
        Action(
            "supabase",
            "GET",
            "/v1/projects/{{ref}}",
            "Get a Project",
            "Project",
            Organization.get_project,
            "Returns one project.",
            (REF,),
            output=project,
        ),
        Action(
            "supabase",
            "POST",
            "/v1/projects/{{ref}}/pause",
            "Pause a Project",
            "Project",
            Organization.pause,
            "Stops a project; nothing in it answers until it is restored.",
            (REF,),
        ),
        Action(
            "supabase",
            "POST",
            "/v1/projects/{{ref}}/restore",
            "Restore a Project",
            "Project",
            Organization.restore,
            "Starts a paused project again.",
            (REF,),
        ),
        Action(
            "supabase",
            "POST",
            "/v1/projects/{{ref}}/database/query",
            "Run a Query",
            "Database",
            Organization.run_query,
            "Runs SQL of any kind against the project's database.",
            (REF, in_body("query", "string", "The statement.", "select * from gears limit 2", required=True)),
            tags=("database",),
            output=[{"id": 1, "teeth": 12}],
        ),
    )


def _secrets() -> tuple[Action, ...]:
    path = "/v1/projects/{{ref}}/secrets"
    return (
        Action(
            "supabase",
            "GET",
            path,
            "List All Secrets",
            "Secret",
            Organization.list_secrets,
            "Lists the names of a project's secrets with digests of their values.",
            (REF,),
            tags=("secrets",),
            output=[{"name": "SMTP_PASSWORD", "value": "9f86d081884c7d65"}],
        ),
        Action(
            "supabase",
            "POST",
            path,
            "Bulk Create Secrets",
            "Secret",
            Organization.create_secrets,
            "Sets several secrets at once, replacing those that exist.",
            (REF,),
            tags=("secrets",),
            schemas={"body": _ARRAYS["create"]},
            notes='## Notes\n\nThe body is an array: `[{"name": "SMTP_PASSWORD", "value": "oil-can"}]`.',
        ),
        Action(
            "supabase",
            "DELETE",
            path,
            "Bulk Delete Secrets",
            "Secret",
            Organization.delete_secrets,
            "Forgets the named secrets.",
            (REF,),
            tags=("secrets",),
            schemas={"body": _ARRAYS["delete"]},
            notes='## Notes\n\nThe body of this DELETE is an array of names: `["SMTP_PASSWORD"]`.',
        ),
    )


def _functions() -> tuple[Action, ...]:
    function = {"slug": "turn-crank", "status": "ACTIVE", "version": 1, "runs": 0}
    return (
        Action(
            "supabase",
            "GET",
            "/v1/projects/{{ref}}/functions",
            "List All Functions",
            "Function",
            Organization.list_functions,
            "Lists the functions of a project.",
            (REF,),
            output=[function],
        ),
        Action(
            "supabase",
            "POST",
            "/v1/projects/{{ref}}/functions/deploy",
            "Deploy a Function",
            "Function",
            Organization.deploy_function,
            "Uploads the source of a function, new or as the next version.",
            (
                REF,
                in_query("slug", "string", "The function's slug; the part `name` if absent.", "turn-crank"),
                in_body("file", "string", "The source file.", "export default () => 'turned'", required=True),
                in_body("name", "string", "The function's slug, if the query has none."),
            ),
            encoding="multipart",
            output={**function, "version": 2},
        ),
        Action(
            "supabase",
            "GET",
            "/v1/projects/{{ref}}/functions/{{function_slug}}/invoke",
            "Trigger a Function",
            "Function",
            Organization.trigger_function,
            "Runs a function and returns what it said.",
            (REF, SLUG),
            output={"slug": "turn-crank", "runs": 1, "result": "turned"},
        ),
    )


def _storage() -> Action:
    return Action(
        "supabase",
        "HEAD",
        "/v1/projects/{{ref}}/storage/{{bucket}}/{{name}}",
        "Check whether an Object exists",
        "Object",
        Organization.head_object,
        "Answers 200 or 404 without a body; size and type are in the headers.",
        (
            REF,
            in_path("bucket", "The bucket's name.", "manuals"),
            in_path("name", "The object's name, slashes included.", "engine/gear 42.txt"),
        ),
        tags=("storage",),
    )
