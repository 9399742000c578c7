// SPDX-License-Identifier: Apache-2.0
// English: the technician's pages.
export type TechnicianTexts = typeof technicianEn;

export const technicianEn = {
  slots: {
    title: 'Slots', closed: 'Closed slots', noneClosed: 'No slot is closed.', all: 'Slot by slot',
    corner: 'FAIL and station problems, and whom each fault follows', state: 'State', open: 'open', isClosed: 'closed', faults: 'Faults',
    itself: (when: string) => `Closed itself ${when}`,
    byPerson: (who: string, when: string) => `Closed by ${who} ${when}`,
    reopenedBy: (who: string, why: string) => `reopened by ${who}: ${why}`,
    slotFault: (code: string, what: string, cases: number, all: number, units: number, elsewhere: number) =>
      `${code} ${what}: follows the slot. ${cases} of ${all} cases here, with ${units} units, of which ${elsewhere} passed in another slot.`,
    unitFault: (code: string, what: string, units: number, elsewhere: number) =>
      `${code} ${what}: follows the unit. ${elsewhere} of ${units} units had it in another slot, too.`,
    fault: (code: string, what: string, cases: number, all: number) => `${code} ${what}: ${cases} of ${all} cases here.`,
    noFault: 'none',
    close: 'Close …', closeSure: (slot: string) => `Close slot ${slot}`,
    closeNote: 'What runs there goes on to its end. Nothing starts there until it is reopened.',
    reopen: 'Reopen …', reopenSure: (slot: string) => `Reopen slot ${slot}`,
    reopenNote: 'Say what was changed. What failed here before no longer counts.',
    earlier: 'Closed before',
  },
  layout: {
    title: 'Lay out the wall', how: 'Put each tile where its socket is: drag it, or choose it and then a cell, or move it with the arrow keys. Shift chooses several, to give them one hub.',
    lines: 'Rows', columns: 'Columns', hubNone: 'Hub of the chosen slots', hubOf: (slots: string) => `Hub of slot ${slots}`,
    at: (slot: string, line: number, place: number) => `Slot ${slot}: row ${line}, column ${place}`,
    gap: (line: number, place: number) => `Empty cell, row ${line}, column ${place}`,
    save: 'Save for all walls', undo: 'Undo changes', default: 'Back to the plain grid',
    saved: 'Saved. All walls show it now.', isDefault: 'All walls show the plain grid again.',
  },
};
