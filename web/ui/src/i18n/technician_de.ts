// SPDX-License-Identifier: Apache-2.0
// German: the technician's pages.
import type { TechnicianTexts } from './technician_en';

export const technicianDe: TechnicianTexts = {
  slots: {
    title: 'Plätze', closed: 'Gesperrte Plätze', noneClosed: 'Kein Platz ist gesperrt.', all: 'Platz für Platz',
    corner: 'FAIL und Stationsfehler, und woran jeder Fehler hängt', state: 'Zustand', open: 'offen', isClosed: 'gesperrt', faults: 'Fehler',
    itself: (when) => `Hat sich selbst gesperrt ${when}`,
    byPerson: (who, when) => `Gesperrt von ${who} ${when}`,
    reopenedBy: (who, why) => `freigegeben von ${who}: ${why}`,
    slotFault: (code, what, cases, all, units, elsewhere) =>
      `${code} ${what}: hängt am Platz. ${cases} von ${all} Fällen hier, mit ${units} Geräten, davon ${elsewhere} an anderem Platz bestanden.`,
    unitFault: (code, what, units, elsewhere) => `${code} ${what}: hängt am Gerät. ${elsewhere} von ${units} Geräten hatten ihn auch an anderem Platz.`,
    fault: (code, what, cases, all) => `${code} ${what}: ${cases} von ${all} Fällen hier.`,
    noFault: 'keine',
    close: 'Sperren …', closeSure: (slot) => `Platz ${slot} sperren`,
    closeNote: 'Was dort läuft, läuft zu Ende. Bis zur Freigabe startet dort nichts mehr.',
    reopen: 'Freigeben …', reopenSure: (slot) => `Platz ${slot} freigeben`,
    reopenNote: 'Sagen, was geändert wurde. Frühere Fehler hier zählen dann nicht mehr.',
    earlier: 'Früher gesperrt',
  },
  layout: {
    title: 'Tafel anordnen', how: 'Jede Kachel dorthin setzen, wo ihre Buchse ist: ziehen, oder Kachel und dann Feld wählen, oder mit den Pfeiltasten schieben. Mit der Umschalttaste mehrere wählen, um ihnen einen Hub zu geben.',
    lines: 'Zeilen', columns: 'Spalten', hubNone: 'Hub der gewählten Plätze', hubOf: (slots) => `Hub von Platz ${slots}`,
    at: (slot, line, place) => `Platz ${slot}: Zeile ${line}, Spalte ${place}`,
    gap: (line, place) => `Leeres Feld, Zeile ${line}, Spalte ${place}`,
    save: 'Für alle Tafeln sichern', undo: 'Änderungen verwerfen', default: 'Zurück zum einfachen Raster',
    saved: 'Gesichert. Alle Tafeln zeigen es jetzt.', isDefault: 'Alle Tafeln zeigen wieder das einfache Raster.',
  },
};
