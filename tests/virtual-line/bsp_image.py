# SPDX-License-Identifier: Apache-2.0
"""What a built BSP tree says must be on a unit: read from bootloader/flash.xml, independent of station and tools.

Used by check-storage and by tests that put an image on a storage file without USB.
"""
import hashlib
import importlib.machinery
import importlib.util
import os
import xml.etree.ElementTree


def tree_of(path):
    """The BSP tree at path itself or in path/tree (a cached image of the station)."""
    for candidate in (path, os.path.join(path, "tree")):
        if os.path.exists(os.path.join(candidate, "bootloader/flash.xml")):
            return candidate
    raise SystemExit("%s: no bootloader/flash.xml there: not a built BSP tree" % path)


def partitions(tree):
    """[{name, start, size, file}] of every partition with a file, in order; bytes; file below bootloader/."""
    found = []
    for device in xml.etree.ElementTree.parse(os.path.join(tree, "bootloader/flash.xml")).getroot().findall("device"):
        for node in device.findall("partition"):
            word = {child.tag: (child.text or "").strip() for child in node}
            if word.get("filename"):
                found.append({"name": node.get("name"), "type": node.get("type"), "start": int(word["start_location"]),
                              "size": int(word["size"]), "file": word["filename"],
                              "signed": node.get("oem_sign") == "true" or node.get("type") == "mb1_bootloader"})
    return found


def raw_content(tree, partition):
    """The bytes that must be on the partition: its file, signed where the tool signs it, then zeros."""
    name = "system.img.raw" if partition["file"] == "system.img" else partition["file"]
    with open(os.path.join(tree, "bootloader", name), "rb") as file:
        content = file.read()
    if partition["signed"]:  # padded to 16, and 4 KiB before it
        content += bytes(-len(content) % 16)
        content = (b"NVDA" + hashlib.sha256(content).digest()).ljust(4096, b"\0") + content
    return content.ljust(partition["size"], b"\0")


def write_storage(tree, path):
    """The storage file of a unit that was flashed perfectly, without any tool."""
    script = os.path.join(tree, "bootloader/tegraflash.py")
    loader = importlib.machinery.SourceFileLoader("stand_in_tegraflash", script)
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
    loader.exec_module(module)
    layout = module.Layout(os.path.join(tree, "bootloader/flash.xml"))
    tables = {"master_boot_record": path + ".mbr", "primary_gpt": path + ".gpt1", "secondary_gpt": path + ".gpt2"}
    layout.write_gpt(*tables.values())
    with open(path, "wb") as disk:
        disk.truncate(layout.sectors * 512)
        for partition in partitions(tree):
            table = tables.get(partition["name"])
            if table:
                with open(table, "rb") as file:
                    content = file.read()
            else:
                content = raw_content(tree, partition)
            disk.seek(partition["start"])
            if partition["file"] == "system.img":  # keep the holes
                for at in range(0, len(content), 4096):
                    block = content[at:at + 4096]
                    if any(block):
                        disk.seek(partition["start"] + at)
                        disk.write(block)
            else:
                disk.write(content)
    for table in tables.values():
        os.remove(table)
