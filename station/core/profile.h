// SPDX-License-Identifier: Apache-2.0
// What is made and how: a product profile with its ordered recipe. Read from TOML at start,
// constant afterwards. Thread: any (plain values).
#pragma once

#include "station/base/json.h"
#include "station/base/secret.h"

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace lineside::core {

// What may be done with a step that was running when the service died.
enum class OnInterrupt {
    rerun,   // run it again
    verify,  // run it again; it looks first whether its work is done
    hold,    // a person decides
};

// Which of the wall's five dots a step belongs to.
enum class Dot { start = 1, flash = 2, check = 3, serial = 4, test = 5 };

struct StepPlan {
    std::string name;    // "flash", "set-serial"
    std::string method;  // "jetson-usb", "provision-ssh"
    Dot dot = Dot::test;
    int retries = 0;  // automatic ones, on top of the first try
    OnInterrupt on_interrupt = OnInterrupt::rerun;
    base::Json params = base::Json::object();
    std::map<std::string, base::Secret> secrets;  // never in params, so never recorded by accident
    // Parameters and secrets that each unit has its own of: name -> field of the unit's serial
    // ("ssid" -> "ap_ssid"); filled in when the step starts.
    std::map<std::string, std::string> unit_fields;
    std::chrono::milliseconds silence{60'000};  // no line from the worker for this long
    std::chrono::milliseconds total{1'800'000};
};

// Done in the build area before the flash: its effect is in the image, and so on every unit.
struct PreStep {
    std::string name;  // "set-wifi-ap"
    base::Json args = base::Json::object();
    std::map<std::string, base::Secret> secrets;  // never in args, so never recorded by accident
};

struct Profile {
    std::string id;
    std::string name;
    std::string model;  // key into the model table
    // A disk is written, at the slot's own port: nothing boots, there is no chip id and no lane.
    bool disk = false;
    bool serials = true;                             // each unit gets one
    std::string board;                               // "jetson-xavier-nx-devkit-emmc"
    std::string rootdev;                             // "mmcblk0p1"
    std::string bsp;                                 // folder of the BSP tree, for messages
    std::string label;                               // id of its label; "": the plain one
    base::Json image_params = base::Json::object();  // for the image-build method
    std::vector<PreStep> prepare;                    // done once, before its image is built
    std::vector<StepPlan> steps;                     // steps[0] is the flash
    std::chrono::milliseconds boot{300'000};  // from the end of the flash to the gadget's network
};

}  // namespace lineside::core
