// SPDX-License-Identifier: Apache-2.0
// What the database says of a unit that passed, in the words of its birth certificate: for making
// one, and for comparing one with the rows it was made of.
// Errors: db.failed, request.unknown (no such job, or it did not pass).   Thread: a db thread.
#pragma once

#include "station/base/ids.h"
#include "station/db/query.h"
#include "station/trust/certificate.h"

namespace lineside::audit {

// All but station and journal head.
[[nodiscard]] base::Result<trust::CertificateFacts> certificate_facts(db::Tx& tx, base::JobId job);

}  // namespace lineside::audit
