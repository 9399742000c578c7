// SPDX-License-Identifier: Apache-2.0
// What the station says when it refuses something a person did at the page, by the source that says it; as in phrases.ts.
export const refusals: Readonly<Record<string, readonly string[]>> = {
  'station/people/people_work.h': [
    '{}: 1 to {} bytes on one line, all to be seen',
  ],
  'serial-pool/unit_fields.cpp': [
    'ap_ssid: {}; write it like Cam-{} or Cam-{}',
  ],
  'serial-pool/batch_end.cpp': [
    'Units are being made with {} serials of batch {}; close it when they are done',
    'Units have {} serials of batch {}; close it instead',
    'withdrawn',
    'Batch {} is {} already',
    'reason: a batch is withdrawn for a reason',
    'warn_at: 0 or more serials',
    'There is no batch {}',
    'There is no pool {}',
  ],
  'serial-pool/check_digit.cpp': [
    'check: {} is not for \'{}\' (it knows {}); choose another, or let it cover the counter alone',
    'check: there is {}',
    'check: no character that counts stands before it',
    'check: the alphabet behind "luhn:" has 2 to 36 different digits and capital letters',
  ],
  'serial-pool/serial_pool.cpp': [
    'Serial {} is {}, it cannot be {}',
    'Pool {} has no serial left',
    'Giving up a serial needs a name and a reason',
    'There is no order {}',
  ],
  'serial-pool/staged_load.cpp': [
    'line {}: its serial or its token came into the pool meanwhile; nothing was loaded',
    'The station stops; nothing was loaded',
    'There is a batch {} already',
    'Names of pools and batches have 1 to 64 letters, digits, \'.\', \'_\', \'-\'',
    'order: there is no open order {}',
    'order: {} does not take from pool {}',
  ],
  'station/engine/batch_loads.cpp': [
    'token length: without tokens a batch is for tests only; say so, or give a length',
    'width: 0 or more digits',
  ],
  'station/engine/engine.cpp': [
    'Slot {}: no job is running',
    'There is no slot {}',
  ],
  'station/engine/engine_desk.cpp': [
    'No unit has or had serial {}',
  ],
  'station/engine/engine_ports.cpp': [
    'The mapping has ended: start it again',
    'Slots {} have a job or a verdict: let them end, acknowledge them',
    'slots: {}',
  ],
  'station/engine/recipe_desk.cpp': [
    'Somebody else has changed the file, or the station was restarted: load it anew, then make your change again',
    'text: at most {} bytes can be edited here',
    '{} holds the profiles: it is changed on the station, by root',
    'Nothing is changed',
  ],
  'web/api/bench.cpp': [
    'This station does not look at its host',
  ],
  'web/api/recipes.cpp': [
    'This station was started without a file',
  ],
  'station/engine/engine_slots.cpp': [
    'places: {}',
  ],
  'station/engine/image_release.cpp': [
    'Order {} has no image yet',
    'Order {} is {}',
    'There is no such image',
  ],
  'station/engine/label_desk.cpp': [
    'Badge cannot be drawn',
    'Badge is not printed, and is revoked: look at the printer, then print another',
    'This station has no label printer',
    'This product gets no label',
    'There is no job {}',
  ],
  'station/engine/order_desk.cpp': [
    'There is no such image; GET /api/v1/images has them',
    'closed',
    'open',
    'Order {} is {} already',
    'Image {} is released',
    'There is no such order',
  ],
  'station/engine/reason.h': [
    'reason: say why, on one line of at most {} bytes',
  ],
  'station/engine/slot_label.cpp': [
    'Slot {} waits for no label to be scanned',
  ],
  'station/engine/slot_power.cpp': [
    'The power is being switched already',
    'Slot {}: its unit has not been off yet',
    'Slot {} has no power switch in station.toml ([slot.power])',
    'Slot {}: its unit is being worked on, stop it first',
  ],
  'station/engine/slot_recovery.cpp': [
    'Slot {}: its unit is being sent to recovery mode already',
    'Slot {} holds no judged unit that has started',
  ],
  'station/engine/slot_verdict.cpp': [
    'Slot {} has nothing to acknowledge',
    'Slot {}: scan the label',
    'Slot {} has nothing to try again',
    'Slot {} is starting already',
    'Slot {}: no unit in recovery mode is plugged in',
    'Slot {} shows no unit that has passed before',
    'Slot {}: {}',
  ],
  'station/journal/slots.cpp': [
    'Slot {} is not closed',
    'Slot {} is closed already',
  ],
  'station/journal/units.cpp': [
    'This unit was not refused for having passed before, or has its reason',
  ],
  'station/labels/label_rows.cpp': [
    'A label is printed after PASS',
    'Its label waits for the printer already',
    'This label did not fail',
    'This label may be printed. If it is not there, print another copy',
    'There is no doubt about this label',
    'No label was printed for this unit',
    'There is no label {}',
  ],
  'station/labels/document.cpp': [
    'No memory for a code',
    'Code 128 holds letters of ASCII alone: use a QR code',
    'A code cannot hold its text: {}',
    '"{}" is empty for this unit',
    'The code of "{}" needs more room',
  ],
  'station/labels/pdf.cpp': ['The label cannot be drawn as PDF: {}'],
  'station/labels/print_queue.cpp': [
    'Much waits for the label printer',
  ],
  'station/people/badge_rows.cpp': [
    'There is no such account, or it is closed',
  ],
  'station/people/people.cpp': [
    'Many log in at this moment',
    'Name or password is wrong. The next try counts in {}',
    'Too many tries. Try again in {}',
  ],
  'station/people/people_accounts.cpp': [
    'The old password is not right',
    'A screen has no password',
  ],
  'station/people/people_badges.cpp': [
    'There is no such account',
  ],
  'station/people/people_rows.cpp': [
    'This is the only admin: make another one first, or nobody could let anybody in',
    'There is an account {} already',
    '{} was the name of an account that is closed; records name it, so take another',
    'There is a screen {} already',
  ],
  'station/people/password.cpp': [
    'A password has at least {} characters',
  ],
  'station/people/people_screens.cpp': [
    'Many screens ask to be let in',
    'No screen shows this code',
    'This screen asked too long ago',
    'There is no such screen',
  ],
  'station/records/attempts.cpp': [
    'until: after since, and at most 31 days after it',
  ],
  'web/api/records.cpp': [
    'Parameter {}',
  ],
  'station/records/record_filter.cpp': [
    '{}: {} expected',
    'serial: {} sorts behind {} (serials are compared as text)',
  ],
  'station/records/shift.cpp': [
    'day: 2026-11-28 expected',
  ],
  'web/api/audit.cpp': [
    'There is no certificate of job {}: only a unit that passes gets one',
  ],
  'web/api/badges.cpp': [
    'This station knows no accounts',
  ],
  'web/api/batches.cpp': [
    'reason: at most 500 characters',
  ],
  'web/api/labels.cpp': [
    'This station prints no labels',
    'There is no such slot',
  ],
  'web/api/people.cpp': [
    'The first account is made by link: lineside admin first-link',
    'This is no account\'s log-in',
  ],
  'web/api/orders.cpp': [
    'paused',
  ],
  'web/api/slots.cpp': [
    'reason: say why',
    'The unit is still plugged in',
  ],
  'web/api/units.cpp': [
    'There is no unit {}',
  ],
  'web/server/admission.cpp': [
    'Another file is being loaded',
  ],
};

// Said to other clients: the page sends no such request, or takes its answer by address.
export const notAtThePage: readonly (readonly [file: RegExp, why: string])[] = [
  [/^serial-pool\/(key_ring|reseal)\.cpp$/, 'keys are the command line\'s'],
  [/^station\/care\//, 'backups and keys are the command line\'s'],
  [/^web\/api\/(care|audit|export|job_log_routes)\.cpp$/, 'by address, or the command line\'s'],
  [/^station\/records\/job_log\.cpp$/, 'breaks a download off'],
  [/^web\/server\/(connection|guard|router)\.cpp$/, 'no browser page sends such a request'],
  [/^station\/engine\/(facade\.h|image_keeper\.cpp|job_commits\.cpp|slot_job\.cpp)$/, 'no real station says it, or of a job and not to a request'],
];
// Of files that say others at the page, too.
export const notAtThePageBut: readonly string[] = [
  'Transfer-Encoding must be chunked', 'The body must be a JSON object', 'Member {} is not known here', '{}Member {} is not known here', 'The body must be an object with {}, a list of at most {}',
  'each is an object', 'Parameter pool must name a pool', 'Parameter batch must be a name: letters, digits, dot, dash, underscore, at most 64', 'Parameter test_only must be 0 or 1',
  'Parameter file is too long', 'Parameter format must be svg or pdf', 'Parameter limit must be a whole number from 1 to 500', 'Parameter cursor is not one of ours', 'Only root makes this link',
  'role: one of operator, qa, manager, technician, admin', 'language: one of en, de, es, vi, zh', 'url: http:// or https://, at most {} characters', '{}: is missing',
  'There is no lease {}', 'Serial {} may be on this unit already, which is known under another',
];
