"""A registry of Windows for tests: as much of the module winreg as is used."""

from collections.abc import Mapping
from typing import Any

KEY = r"Software\Policies\Alcove"


class Registry:
    """As much of winreg as is used, over a tree: a dict is a key, anything else a value."""

    HKEY_LOCAL_MACHINE, HKEY_CURRENT_USER = "HKLM", "HKCU"
    KEY_READ, KEY_WOW64_64KEY = 0x20019, 0x100

    class Key(dict[str, Any]):
        def __enter__(self) -> "Registry.Key":
            return self

        def __exit__(self, *_: object) -> None:
            pass

    def __init__(self, machine: Mapping[str, Any] | None = None, user: Mapping[str, Any] | None = None) -> None:
        self._roots = {"HKLM": machine, "HKCU": user}

    def OpenKey(self, key: "str | Registry.Key", name: str, reserved: int, access: int) -> "Registry.Key":
        assert access == self.KEY_READ | self.KEY_WOW64_64KEY
        found = self._roots[key] if isinstance(key, str) else key[name]
        assert not isinstance(key, str) or name == KEY
        if found is None:
            raise FileNotFoundError(2, "The system cannot find the file specified")
        return self.Key(found)

    def QueryInfoKey(self, key: "Registry.Key") -> tuple[int, int, int]:
        keys = sum(isinstance(each, dict) for each in key.values())
        return keys, len(key) - keys, 0

    def EnumKey(self, key: "Registry.Key", number: int) -> str:
        return [name for name, each in key.items() if isinstance(each, dict)][number]

    def EnumValue(self, key: "Registry.Key", number: int) -> tuple[str, Any, int]:
        name, value = [each for each in key.items() if not isinstance(each[1], dict)][number]
        return name, value, {int: 4, str: 1, list: 7}.get(type(value), 3)
