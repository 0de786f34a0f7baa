"""What the Jira sandbox answers to questions about the site: account, fields, projects, boards."""

from __future__ import annotations

from typing import Any

from connectors.jira.sandbox_api import Answer, Refusal, Request, Site, found, page, route
from connectors.jira.sandbox_render import account_id
from connectors.jira.sandbox_state import Json, stamp

_PERMISSIONS = (
    "BROWSE_PROJECTS", "CREATE_ISSUES", "EDIT_ISSUES", "DELETE_ISSUES", "ADD_COMMENTS",
    "EDIT_OWN_COMMENTS", "EDIT_ALL_COMMENTS", "LINK_ISSUES", "WORK_ON_ISSUES", "MOVE_ISSUES",
    "TRANSITION_ISSUES", "ADMINISTER_PROJECTS", "ADMINISTER",
)  # fmt: skip
_GLOBAL = frozenset({"ADMINISTER"})
_REMOVED = (
    "The requested API has been removed. Please migrate to the /rest/api/3/search/jql API. A full "
    "migration guideline is available at https://developer.atlassian.com/changelog/#CHANGE-2046"
)


def server_info(site: Site, _request: Request) -> Json:
    """Version, base URL and the server's clock."""
    numbers = [1001, 0, 0] if site.cloud else [10, 3, 0]
    return {
        "baseUrl": site.render.base, "version": "1001.0.0-SNAPSHOT" if site.cloud else "10.3.0",
        "versionNumbers": numbers, "deploymentType": "Cloud" if site.cloud else "Server",
        "buildNumber": 100_000, "buildDate": "2026-01-01T00:00:00.000+0000",
        "serverTime": stamp(site.state.clock.ms()), "scmInfo": "sandbox",
        "serverTitle": "Jira sandbox of ITPM Sync",
    }  # fmt: skip


def myself(site: Site, _request: Request) -> Json:
    """The account, with its e-mail and the time zone in which its JQL dates are read."""
    shown = site.render.user(site.me) or {}
    own = {"emailAddress": site.me["emailAddress"], "timeZone": site.state.zone_name}
    return shown | own | {"locale": "en_US"}


def fields(site: Site, _request: Request) -> list[Json]:
    """Every system and custom field."""
    return site.state.fields.listing()


def permissions(site: Site, request: Request) -> Json:
    """Which permissions the account has, in a project where one is named."""
    if site.cloud and not request.words("permissions"):
        raise Refusal(400, "The 'permissions' query parameter is required.")
    project = request.text("projectKey") or request.text("projectId")
    issue = request.text("issueKey") or request.text("issueId")
    if project:
        site.project(project)
    if issue:
        site.issue(issue)
    asked = request.words("permissions") or list(_PERMISSIONS)
    for key in asked:
        if key not in _PERMISSIONS:
            raise Refusal(400, f"Unrecognized permission: {key}.")
    return {"permissions": {key: _permission(site, key) for key in asked}}


def _permission(site: Site, key: str) -> Json:
    granted = key not in site.state.denied
    if key == "BROWSE_PROJECTS":
        granted = granted and any(not p.get("hidden") for p in site.state.projects.values())
    return {
        "id": str(_PERMISSIONS.index(key) + 10), "key": key, "name": key.replace("_", " ").title(),
        "type": "GLOBAL" if key in _GLOBAL else "PROJECT", "description": "",
        "havePermission": granted,
    }  # fmt: skip


# ---- projects


def _visible(site: Site) -> list[Json]:
    shown = (p for p in site.state.projects.values() if not p.get("hidden"))
    return sorted(shown, key=lambda p: str(p["key"]))


def project_search(site: Site, request: Request) -> Json:
    """The visible projects, 50 a page."""
    keys = {key.upper() for key in request.words("keys")}
    ids = set(request.words("id"))
    text = request.text("query").casefold()
    chosen = [
        site.render.project(p)
        for p in _visible(site)
        if (not keys or p["key"] in keys)
        and (not ids or p["id"] in ids)
        and (text in p["name"].casefold() or text in p["key"].casefold())
    ]
    return page(site, request, chosen, most=100 if "maxResults" in request.query else 50)


def project_list(site: Site, _request: Request) -> list[Json]:
    """All visible projects at once (Data Center has no pages here)."""
    return [site.render.project(p) for p in _visible(site)]


def project(site: Site, _request: Request, key: str) -> Json:
    """One project with its components, issue types and versions."""
    return site.render.project(site.project(key), full=True)


def version(site: Site, _request: Request, ident: str) -> Json:
    """One version of a visible project."""
    for owner in _visible(site):
        for known in owner["versions"]:
            if known["id"] == ident:
                return site.render.version(known | {"projectId": int(owner["id"])})
    raise Refusal(404, f"Could not find version for id '{ident}'")


def _versions(site: Site, key: str) -> list[Json]:
    chosen = site.project(key)
    number = int(chosen["id"])
    return [site.render.version(v | {"projectId": number}) for v in chosen["versions"]]


def versions(site: Site, _request: Request, key: str) -> list[Json]:
    """All versions of a project at once."""
    return _versions(site, key)


def version_page(site: Site, request: Request, key: str) -> Json:
    """A project's versions, 50 a page; `orderBy` by name or release date."""
    shown = _versions(site, key)
    order = request.text("orderBy").lstrip("+")
    if order:
        name = order.lstrip("-")
        shown.sort(key=lambda v: str(v.get(name, "")), reverse=order.startswith("-"))
    text = request.text("query").casefold()
    shown = [v for v in shown if text in v["name"].casefold()]
    return page(site, request, shown, most=50)


# ---- boards and sprints


def boards(site: Site, request: Request) -> Json:
    """Boards that show a project's issues, 50 a page; 403 without a licence for Jira Software."""
    _licensed(site)
    chosen = [b for b in site.state.boards.values() if _board_visible(site, b)]
    if key := request.text("projectKeyOrId"):
        target = site.state.project(key)
        if target is None:
            raise Refusal(400, f"No project could be found with key or id '{key}'.")
        chosen = [b for b in chosen if target["key"] in b["projects"]]
    if kinds := request.words("type"):
        chosen = [b for b in chosen if b["type"] in kinds]
    name = request.text("name").casefold()
    shown = [site.render.board(b) for b in chosen if name in b["name"].casefold()]
    return _agile_page(site, request, shown)


def _licensed(site: Site) -> None:
    site.may("JIRA_SOFTWARE", "The user does not have a valid license for Jira Software.")


def _agile_page(site: Site, request: Request, values: list[Json]) -> Json:
    result = page(site, request, values, most=50)
    return {k: v for k, v in result.items() if k not in ("self", "nextPage")}


def _board_visible(site: Site, board: Json) -> bool:
    seen = any(site.state.project(key) for key in board["projects"])
    return seen and not board.get("hidden")


def _board(site: Site, ident: str) -> Json:
    _licensed(site)
    boards = (b for b in site.state.boards.values() if _board_visible(site, b))
    return found(boards, ident, "Requested board cannot be viewed because it either does not "
                 "exist or you do not have permission to view it.")  # fmt: skip


def board(site: Site, _request: Request, ident: str) -> Json:
    """One board."""
    return site.render.board(_board(site, ident))


def board_sprints(site: Site, request: Request, ident: str) -> Json:
    """A board's sprints, 50 a page; a kanban board has none and says so with a 400."""
    owner = _board(site, ident)
    if owner["type"] != "scrum":
        raise Refusal(400, "The board does not support sprints")
    states = request.words("state")
    shown = [
        site.render.sprint(s)
        for s in site.state.sprints.values()
        if s.get("originBoardId") == owner["id"] and (not states or s["state"] in states)
    ]
    return _agile_page(site, request, shown)


def sprint(site: Site, _request: Request, ident: str) -> Json:
    """One sprint of a visible board."""
    _licensed(site)
    boards = {ident for ident, board in site.state.boards.items() if _board_visible(site, board)}
    shown = (s for s in site.state.sprints.values() if s.get("originBoardId") in boards)
    return site.render.sprint(found(shown, ident, "Sprint does not exist."))


def user(site: Site, request: Request) -> Any:
    """A user by account id (Cloud) or name (Data Center)."""
    wanted = request.text("accountId") or request.text("username")
    for known in site.state.users.values():
        if wanted == (account_id(known["name"]) if site.cloud else known["name"]):
            return site.render.user(known)
    raise Refusal(404, f"The user '{wanted}' does not exist.")


def search_removed(_site: Site, _request: Request) -> Answer:
    """Cloud's old search is gone (CHANGE-2046)."""
    return Answer(410, {"errorMessages": [_REMOVED], "errors": {}})


_OLD_SEARCH = "jql startAt maxResults validateQuery fields expand properties fieldsByKeys failFast"
_PAGE = "startAt maxResults"

ROUTES = (
    route("GET", "/api/serverInfo", server_info),
    route("GET", "/api/myself", myself, "expand"),
    route("GET", "/api/field", fields),
    route("GET", "/api/user", user, "accountId expand", "username key includeDeleted"),
    route(
        "GET", "/api/mypermissions", permissions,
        "projectKey projectId issueKey issueId permissions projectUuid projectConfigurationUuid "
        "commentId",
        "projectKey projectId issueKey issueId",
    ),
    route(
        "GET", "/api/project/search", project_search,
        f"{_PAGE} orderBy id keys query typeKey categoryId action expand status properties "
        "propertyQuery",
        None,
    ),
    route("GET", "/api/project", project_list, None, "includeArchived expand recent browseArchive"),
    route("GET", "/api/project/{key}", project, "expand properties", "expand"),
    route("GET", "/api/project/{key}/versions", versions, "expand", "expand"),
    route("GET", "/api/version/{id}", version, "expand", "expand"),
    route(
        "GET", "/api/project/{key}/version", version_page,
        f"{_PAGE} orderBy query status expand", f"{_PAGE} orderBy expand",
    ),
    route(
        "GET", "/agile/1.0/board", boards,
        f"{_PAGE} type name projectKeyOrId accountIdLocation projectLocation includePrivate "
        "negateLocationFiltering orderBy expand projectTypeLocation filterId",
        f"{_PAGE} type name projectKeyOrId",
    ),
    route("GET", "/agile/1.0/board/{id}", board),
    route("GET", "/agile/1.0/board/{id}/sprint", board_sprints, f"{_PAGE} state", f"{_PAGE} state"),
    route("GET", "/agile/1.0/sprint/{id}", sprint),
    route("GET", "/api/search", search_removed, _OLD_SEARCH, None),
    route("POST", "/api/search", search_removed, "", None),
)  # fmt: skip
