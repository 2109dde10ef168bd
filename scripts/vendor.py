"""Copy the front-end libraries that npm installed to the folder that the desk serves.

Input: ``node_modules/`` (as ``npm ci`` leaves it), ``core/web/icons.txt`` and the entry files of BUNDLES.
Output: ``core/web/static/vendor/`` with the libraries and bundles, ``icons.svg`` (one sprite), ``inter.css`` with its fonts,
``licenses/`` and ``VERSIONS.json`` (``{package: {"version", "license", "files"}}``, paths relative to the folder).
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SVG = "http://www.w3.org/2000/svg"
FONT_SUBSETS = ("latin", "latin-ext", "cyrillic", "cyrillic-ext")
FONT_PACKAGE = "@fontsource-variable/inter"
ICON_PACKAGE = "@tabler/icons"
LIBRARIES = {
    "htmx.org": {"dist/htmx.min.js": "htmx.min.js"},
    "idiomorph": {"dist/idiomorph-ext.min.js": "idiomorph-ext.min.js", "dist/idiomorph.esm.js": "idiomorph.esm.js"},
    "squire-rte": {"dist/squire.mjs": "squire.mjs"},
    "dompurify": {"dist/purify.es.mjs": "purify.es.mjs"},
}
# Libraries of many packages become one file each; the entry names what is taken of them.
BUNDLES = {
    "tiptap.js": "scripts/tiptap.js",
    "rrweb-record.js": "scripts/rrweb-record.js",
    "rrweb-replay.js": "scripts/rrweb-replay.js",
}
BUNDLER = "@esbuild/*/bin/esbuild"


class VendorError(Exception):
    """Something that npm should have installed is missing or unreadable; the text says what to do."""


@dataclass
class Package:
    """One npm package as installed, and the files that were taken from it."""

    name: str
    folder: Path
    files: list[str] = field(default_factory=list)

    @classmethod
    def find(cls, node_modules: Path, name: str) -> Package:
        """The installed package of that name. Raises VendorError when npm has not installed it."""
        folder = node_modules / name
        if not (folder / "package.json").is_file():
            raise VendorError(f"{name} is not installed in {node_modules}: run `npm ci` first")
        return cls(name, folder)

    def read(self, path: str) -> str:
        """The text of one of its files. Raises VendorError when the package has no such file."""
        source = self.folder / path
        if not source.is_file():
            raise VendorError(f"{self.name} has no {path}: its layout changed, adapt scripts/vendor.py")
        return source.read_text(encoding="utf-8")

    def describe(self) -> dict[str, object]:
        """Its entry in VERSIONS.json."""
        manifest = json.loads(self.read("package.json"))
        return {"version": manifest["version"], "license": manifest.get("license", ""), "files": sorted(self.files)}


def read_icon_names(path: Path) -> list[str]:
    """The icon names of a list file, in order; blank lines and ``#`` comments are left out."""
    lines = (line.strip() for line in path.read_text(encoding="utf-8").splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def build_sprite(icons: Package, names: list[str]) -> str:
    """One SVG with a ``<symbol id="icon-NAME">`` for each name, each once, sorted."""
    ET.register_namespace("", SVG)
    sprite = ET.Element(f"{{{SVG}}}svg")
    for name in sorted(set(names)):
        sprite.append(_symbol(icons, name))
    ET.indent(sprite, space=" ")
    return ET.tostring(sprite, encoding="unicode") + "\n"


def _symbol(icons: Package, name: str) -> ET.Element:
    style, base = ("filled", name.removesuffix("-filled")) if name.endswith("-filled") else ("outline", name)
    drawing = ET.fromstring(icons.read(f"icons/{style}/{base}.svg"))
    symbol = ET.Element(f"{{{SVG}}}symbol", {"id": f"icon-{name}"})
    for attribute in ("viewBox", "fill", "stroke", "stroke-width", "stroke-linecap", "stroke-linejoin"):
        if attribute in drawing.attrib:
            symbol.set(attribute, drawing.attrib[attribute])
    # Every drawing starts with an empty 24×24 path that only helps drawing programs.
    symbol.extend(child for child in drawing if child.get("d") != "M0 0h24v24H0z")
    return symbol


def build_font_css(css: str) -> tuple[str, list[str]]:
    """Keep the font faces of FONT_SUBSETS; returns the style sheet and the file names that it names."""
    kept, files = [], []
    for subset, face in re.findall(r"/\* inter-([\w-]+?)-wght-normal \*/\s*(@font-face \{.*?\})", css, re.S):
        if subset in FONT_SUBSETS:
            kept.append(re.sub(r"url\(\./files/", "url(./fonts/", face))
            files += re.findall(r"url\(\./files/([^)]+)\)", face)
    if len(kept) != len(FONT_SUBSETS):
        raise VendorError(f"{FONT_PACKAGE}: expected the subsets {', '.join(FONT_SUBSETS)}, found {len(kept)} of them")
    return "\n".join(kept) + "\n", files


def vendor(node_modules: Path, icon_list: Path, target: Path) -> dict[str, dict[str, object]]:
    """Fill ``target`` anew and return what VERSIONS.json holds.

    The folder is built beside the target and swapped in, so that a failure leaves the old one whole.
    """
    fresh = target.with_name(target.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    packages = [*_copy_libraries(node_modules, fresh), _write_icons(node_modules, icon_list, fresh)]
    packages.append(_write_font(node_modules, fresh))
    for name, entry in BUNDLES.items():
        packages += _bundle(node_modules, ROOT / entry, fresh, name)
    packages = _merged(packages)
    for package in packages:
        _copy_license(package, fresh)
    versions = {package.name: package.describe() for package in packages}
    (fresh / "VERSIONS.json").write_text(json.dumps(versions, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    shutil.rmtree(target, ignore_errors=True)
    fresh.rename(target)
    return versions


def _merged(packages: list[Package]) -> list[Package]:
    """Each package once, with all files that were taken from it: two bundles may hold the same one."""
    found: dict[str, Package] = {}
    for package in packages:
        found.setdefault(package.name, Package(package.name, package.folder)).files += package.files
    return list(found.values())


def _copy_libraries(node_modules: Path, target: Path) -> list[Package]:
    packages = []
    for name, files in LIBRARIES.items():
        package = Package.find(node_modules, name)
        for source, destination in files.items():
            # The maps are not shipped; a reference to them would be a 404 for everyone with developer tools open.
            text = re.sub(r"^//# sourceMappingURL=.*\n?", "", package.read(source), flags=re.M)
            (target / destination).write_text(text, encoding="utf-8")
            package.files.append(destination)
        packages.append(package)
    return packages


def _write_icons(node_modules: Path, icon_list: Path, target: Path) -> Package:
    package = Package.find(node_modules, ICON_PACKAGE)
    (target / "icons.svg").write_text(build_sprite(package, read_icon_names(icon_list)), encoding="utf-8")
    package.files.append("icons.svg")
    return package


def _write_font(node_modules: Path, target: Path) -> Package:
    package = Package.find(node_modules, FONT_PACKAGE)
    css, fonts = build_font_css(package.read("wght.css"))
    (target / "inter.css").write_text(css, encoding="utf-8")
    (target / "fonts").mkdir()
    for font in fonts:
        shutil.copyfile(package.folder / "files" / font, target / "fonts" / font)
    package.files += ["inter.css", *(f"fonts/{font}" for font in fonts)]
    return package


def _bundle(node_modules: Path, entry: Path, target: Path, name: str) -> list[Package]:
    """One ES module of ``entry`` and all that it imports; returns the packages that went into it."""
    program = next(iter(sorted(node_modules.glob(BUNDLER))), None)
    if program is None:
        raise VendorError(f"esbuild is not installed in {node_modules}: run `npm ci` first")
    meta = target / f"{name}.meta"
    # esbuild looks for packages from the entry upwards: from a copy beside those that were installed.
    source = node_modules.parent / f".{name}"
    shutil.copyfile(entry, source)
    options = ("--bundle", "--format=esm", "--minify", "--target=es2022", "--log-level=error", "--legal-comments=none")
    command = [str(program), str(source), *options, f"--outfile={target / name}", f"--metafile={meta}"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    finally:
        source.unlink()
    if done.returncode:
        raise VendorError(f"esbuild could not bundle {entry.name}: {done.stderr.strip()}")
    inputs = json.loads(meta.read_text("utf-8"))["inputs"]
    meta.unlink()
    found = {match[1] for path in inputs if (match := re.search(r"node_modules/((?:@[^/]+/)?[^/]+)/", path))}
    packages = [Package.find(node_modules, package) for package in sorted(found)]
    for package in packages:
        package.files.append(name)
    return packages


def _copy_license(package: Package, target: Path) -> None:
    folder = target / "licenses"
    folder.mkdir(exist_ok=True)
    for source in sorted(package.folder.glob("LICENSE*")):
        destination = folder / f"{package.name.strip('@').replace('/', '-')}-{source.stem}.txt"
        shutil.copyfile(source, destination)
        package.files.append(f"licenses/{destination.name}")


def main(arguments: list[str] | None = None) -> int:
    """The command line: ``python scripts/vendor.py [--node-modules DIR] [--icons FILE] [--target DIR]``."""
    parser = argparse.ArgumentParser(description="Copy the front-end libraries to core/web/static/vendor.")
    parser.add_argument("--node-modules", type=Path, default=ROOT / "node_modules")
    parser.add_argument("--icons", type=Path, default=ROOT / "core/web/icons.txt")
    parser.add_argument("--target", type=Path, default=ROOT / "core/web/static/vendor")
    options = parser.parse_args(arguments)
    try:
        versions = vendor(options.node_modules, options.icons, options.target)
    except VendorError as error:
        print(f"vendor: {error}", file=sys.stderr)
        return 1
    print("vendor: " + ", ".join(f"{name} {entry['version']}" for name, entry in versions.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
