# SPDX-License-Identifier: Apache-2.0
"""The units of real_station_test.py: what each is, by which way it is flashed, and what the station must say of it."""
import dataclasses


@dataclasses.dataclass(frozen=True)
class Unit:
    name: str
    way: str                # a: flash.sh -r, b: nvaflash.sh
    port: int               # of the guest's root hub
    orders: dict            # unit/module.h
    code: str = ""          # of the verdict; "" = flashed, so that what follows is a unit that does not boot
    classes: tuple = ()     # of `lineside classify`, of its tool's log
    written: bool = True    # the unit was erased or written when it went wrong


def _chip(number, kind="8"):
    return "0x%s8021911645838891c000000190282%02x" % (kind, number)


def _orders(number, chip="8", **more):
    return {"chip-id": _chip(number, chip), "serial": "14240210000%02d" % number, **{key.replace("_", "-"): value for key, value in more.items()}}


UNITS = [
    Unit("a-good-1", "a", 1, _orders(1)),
    Unit("a-good-2", "a", 2, _orders(2)),
    Unit("a-hang", "a", 3, _orders(3, hang="APP 50"), "tool.silence"),
    Unit("a-unplug", "a", 4, _orders(4, unplug="APP 50"), "usb.left", ("LINK",)),
    Unit("a-rom-error", "a", 5, _orders(5, rom_status=5), "unit.fused", ("KEYS",), False),
    Unit("a-eeprom-crc", "a", 6, _orders(6, eeprom_crc="wrong"), "unit.eeprom", ("EEPROM",), False),
    Unit("a-fused", "a", 7, _orders(7, chip="9"), "unit.fused", ("KEYS",), False),
    Unit("a-wrong-sku", "a", 8, _orders(8, sku="0000"), "order.wrong_model", (), False),
    Unit("b-good-1", "b", 9, _orders(9)),
    Unit("b-good-2", "b", 10, _orders(10)),
    Unit("b-hang", "b", 11, _orders(11, hang="APP 50"), "tool.silence"),
    Unit("b-unplug", "b", 12, _orders(12, unplug="APP 50"), "usb.left"),      # nvaflash.sh says no more than that its step failed
    Unit("b-rom-error", "b", 13, _orders(13, rom_status=5), "unit.fused", ("KEYS",), False),
]
