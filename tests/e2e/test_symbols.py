"""The editor's own search for symbols, answered from the index when the person wants it."""

from editors import VsCode
from workplace import ON_DISK


async def names(person, query):
    found = await person.client.request("workspace/symbol", {"query": query})
    return [
        (one["name"], one.get("containerName"), one["location"]["range"]["start"]["line"]) for one in found
    ]


async def test_symbols_follow_what_is_typed(workplace):
    config = workplace.base / "config" / "wainwright" / "config.toml"
    config.write_text("[editor]\nsymbols = true\n")
    person = await workplace.sit_down(VsCode)
    await person.command("runs")
    # What no encoder takes, in a name, a text or a query, does not end the following.
    person.editor.open(workplace.root / "odd\udcff.py", "def odd(): ...\n")
    person.editor.open(workplace.root / "half.py", "def half(): ...  # \ud800\n")
    assert await names(person, "\ud800") == []
    person.editor.open(workplace.file, ON_DISK + "\n\nclass Fresh:\n    def typed_only(self): ...\n")

    async def there():
        return await names(person, "typedonly")

    found = []
    while not found:
        found = await there()
    assert found == [("typed_only", "Fresh", 10)]
    assert await names(person, "half") == [("half", None, 0)]
    (location,) = [
        one["location"]
        for one in await person.client.request("workspace/symbol", {"query": "add"})
        if one["name"] == "add"
    ]
    assert location["uri"] == workplace.uri("calc/__init__.py")
    assert await person.client.leave() == 0


async def test_without_the_setting_other_servers_answer(workplace):
    person = await workplace.sit_down(VsCode)
    await person.command("runs")
    person.editor.open(workplace.file, ON_DISK)
    assert await names(person, "add") == []
    assert await person.client.leave() == 0
