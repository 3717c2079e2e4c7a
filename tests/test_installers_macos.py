"""The recipes for macOS, as far as another system can tell: property lists are read, scripts are parsed."""

import plistlib
import re
from pathlib import Path

RECIPES = Path(__file__).resolve().parent.parent / "installers" / "macos"
ID = "org.alcove.Alcove"


def read(name: str) -> dict[str, object]:
    content = plistlib.loads((RECIPES / name).read_bytes())
    assert isinstance(content, dict)
    return content


def test_the_app_has_its_name_and_opens_model_files_beside_others() -> None:
    info = read("Info.plist")
    (known,) = info["UTImportedTypeDeclarations"]  # type: ignore[misc]
    (opened,) = info["CFBundleDocumentTypes"]  # type: ignore[misc]

    assert info["CFBundleIdentifier"] == ID
    assert known["UTTypeTagSpecification"]["public.filename-extension"] == ["gguf"]
    assert opened["LSItemContentTypes"] == [known["UTTypeIdentifier"]]
    assert opened["LSHandlerRank"] == "Alternate"  # whatever opens them now goes on to do so
    assert info["LSBackgroundOnly"] is False  # else it would have no icon in the Dock and no menu
    assert "CFBundleVersion" not in info  # there is one place for the version


def test_the_app_the_package_and_the_engine_ask_for_the_same_macos() -> None:
    (asked,) = read("product.plist")["os"]  # type: ignore[misc]
    (compiled,) = re.findall(r"MACOSX_DEPLOYMENT_TARGET=(\S+)", script("build.sh"))

    assert asked == compiled == read("Info.plist")["LSMinimumSystemVersion"]


def script(name: str) -> str:
    return (RECIPES / name).read_text(encoding="utf-8")


def test_the_hardened_runtime_has_no_exception_and_nothing_that_apple_cannot_read() -> None:
    assert read("entitlements.plist") == {}
    assert "<!--" not in script("entitlements.plist")  # codesign takes no comment
    assert "--deep --strict" in script("build.sh")
    assert not re.search(r"--force.*--deep", script("build.sh"))  # each part by itself, from the inside


def test_what_the_package_puts_on_a_mac_the_uninstaller_takes_away() -> None:
    brought = set(re.findall(r"--identifier (\S+)", script("build.sh")))

    assert brought == {ID, f"{ID}.models"}
    assert all(package in script("uninstall.sh").split() or f"{package};" in script("uninstall.sh") for package in brought)
    for place in ("/usr/local/bin/alcove", "/Library/Application Support/alcove/models", "Alcove.app"):
        assert place in script("uninstall.sh")
        assert place in script("build.sh") + script("scripts/postinstall")
