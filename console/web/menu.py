"""The pages, and who may see them: `needs(*STAFF)` stands at each route, the menu leaves out what would be refused."""

from dataclasses import dataclass

from console.web.people import Person, Role

EVERYBODY = tuple(Role)
STAFF = (Role.APPROVER, Role.AUDITOR, Role.ADMIN)
RECORD = (Role.AUDITOR, Role.ADMIN)  # who may read what agents did


@dataclass(frozen=True, slots=True)
class Item:
    name: str
    href: str
    roles: tuple[Role, ...]
    icon: str  # a path in a box of 16 by 16
    here: bool = False


ITEMS = (
    Item("Overview", "/", EVERYBODY, "M2 7.5 8 2.5l6 5M3.5 6.5v7h9v-7"),
    Item("Approvals", "/approvals", EVERYBODY, "M2.5 8.5l3.5 3.5 7.5-8"),
    Item("Live", "/live", RECORD, "M1.5 8h3l2-5 3 10 2-5h3"),
    Item("Sessions", "/sessions", RECORD, "M5 3.5v9l7.5-4.5z"),
    Item("Decisions", "/decisions", RECORD, "M3 4h10M3 8h10M3 12h6"),
    Item("Policies", "/policies", STAFF, "M4 1.5h6l3 3v10H4zM10 1.5v3h3M6.5 8h4M6.5 11h4"),
    Item("Masking", "/masking", STAFF, "M2 8s2.2-4 6-4 6 4 6 4-2.2 4-6 4-6-4-6-4zM3 13 13 3"),
    Item("Connections", "/connections", EVERYBODY,
         "M6.5 9.5l3-3M7 5l2-2a2.8 2.8 0 0 1 4 4l-2 2M9 11l-2 2a2.8 2.8 0 0 1-4-4l2-2"),
    Item("Revocations", "/revocations", RECORD, "M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2zM4 12 12 4"),
    Item("Evidence", "/evidence", RECORD, "M8 1.5 13.5 4v4c0 3.2-2.3 5.6-5.5 6.5C4.8 13.6 2.5 11.2 2.5 8V4z"),
    Item("SQL", "/sql", RECORD, "M3 4.5 6.5 8 3 11.5M8 12h5"),
)  # fmt: skip


def nav(person: Person, path: str) -> list[Item]:
    """What this person may open; `here`: where they are."""
    mine = [item for item in ITEMS if not person.roles.isdisjoint(item.roles)]
    return [Item(item.name, item.href, item.roles, item.icon, _inside(path, item.href)) for item in mine]


def _inside(path: str, href: str) -> bool:
    path = f"/approvals{path}" if path in ("/standing", "/authenticators") else path  # reached from there
    return path == href or (href != "/" and path.startswith(f"{href}/"))
