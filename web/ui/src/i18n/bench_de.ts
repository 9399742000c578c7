// SPDX-License-Identifier: Apache-2.0
// German: recipes, host doctor, replay.
import type { BenchTexts } from './bench_en';

export const benchDe: BenchTexts = {
  recipes: {
    title: 'Rezepte und Profile', text: 'Text der Datei', check: 'Was die Station sagt', checking: 'Wird geprüft …',
    good: (n: number): string => (n === 1 ? 'In Ordnung: 1 Profil' : `In Ordnung: ${n} Profile`), bad: (n: number): string => (n === 1 ? '1 Fehler' : `${n} Fehler`),
    at: (line: number, column: number) => `Zeile ${line}, Spalte ${column}`,
    keptMark: '(kept-1) steht für ein Passwort in der Datei. Unverändert bleibt es; zum Ändern überschreiben.',
    review: 'Vergleichen und speichern …', undo: 'Änderungen verwerfen', back: 'Weiter bearbeiten', difference: 'Was sich ändert', nextStart: 'gilt ab dem nächsten Start der Station',
    cut: (n: number): string => (n === 1 ? '1 Zeile wie vorher' : `${n} Zeilen wie vorher`), added: 'neu: ', removed: 'weg: ',
    stops: 'Diese offenen Aufträge beginnen danach nichts mehr:', stopsHint: 'Ein Auftrag behält die Bedingungen, mit denen er eröffnet wurde. Schließen Sie ihn dann und eröffnen einen neuen, oder nehmen Sie die Änderung zurück.',
    save: 'Speichern …', saveSure: 'Datei speichern', saveNote: 'Was läuft, geht unverändert weiter. Die bisherige Datei bleibt daneben erhalten.',
    saved: 'Gespeichert. Es gilt ab dem nächsten Start der Station.', pending: 'Gespeichert, noch nicht gültig.',
    savedBy: (who: string, at: string, why: string) => `${who}, ${at}: ${why}.`,
    pendingHint: 'Es gilt, sobald die Station neu startet: wenn keine Einheit in Arbeit ist, systemctl restart lineside-stationd.',
    readOnly: { station: 'Profile und Rezepte stehen in station.toml, die nur root ändert. Hier lassen sie sich prüfen, nicht speichern.', large: 'Diese Datei ist zu lang, um auf einer Seite bearbeitet zu werden.', rights: 'Die Station darf diese Datei oder ihren Ordner nicht schreiben.' },
    move: 'Um sie hier zu bearbeiten, legen Sie sie in eine eigene Datei:',
    moveSteps: (file: string) => [`Alle Tabellen [[profile]] und [[recipe]] samt Zugehörigem aus ${file} ausschneiden`, 'In /var/lib/lineside-setup/recipes.toml einfügen, Eigentümer lineside, Rechte 0600', 'recipes = "/var/lib/lineside-setup/recipes.toml" unter [station] schreiben', `lineside check config ${file}`, 'systemctl restart lineside-stationd'],
  },
  host: {
    title: 'Rechner prüfen', again: 'Noch einmal prüfen', looking: 'Die Station sieht sich ihren Rechner an …', mend: 'Abhilfe:',
    weights: { fine: 'gut', warning: 'Warnung', error: 'schlecht' }, verdict: { fit: 'Dieser Rechner ist geeignet', unfit: 'Dieser Rechner ist noch nicht geeignet' },
    sum: (fine: number, warning: number, bad: number) => `${fine} gut, ${warning} Warnungen, ${bad} schlecht`,
    asService: 'Die Station sieht mit den Rechten ihres Dienstes. Was ihr verborgen ist, sieht root: sudo lineside doctor.',
    names: { config: 'Konfiguration', kernel: 'Kernel', users: 'Benutzer', helper: 'Root-Helfer', key: 'Schlüssel der Tokens', signing_key: 'Signaturschlüssel', port: 'Port der Seite', disk: 'Platte', bsp: 'BSP-Bäume', tools: 'Werkzeuge von flash.sh', overlay: 'Overlay-Dateisystem', cgroup: 'Control Groups', usb: 'USB', usbfs_memory: 'USB-Speicher', autosuspend: 'USB-Stromsparen', udev: 'udev-Regeln', meddlers: 'Programme, die Einheiten öffnen', tlp: 'TLP', power: 'Stromschalter', virtual: 'Virtuelle Maschine' },
  },
  replay: {
    open: 'Wiedergabe', title: (job: number) => `Wiedergabe von Job ${job}`, head: (slot: string, attempt: number, at: string) => `Platz ${slot}, Versuch ${attempt}, ${at}`, unit: 'Zurück zur Einheit', loading: 'Die Aufzeichnung wird gelesen …',
    none: 'Die Station gab keinen Film dieses Jobs.', cut: 'Die Aufzeichnung brach unterwegs ab: der Rest fehlt.',
    mark: 'WIEDERGABE', notLive: 'Aufgezeichnet. Hier ist keine Einheit in Arbeit.', play: 'Abspielen', pause: 'Anhalten', scrub: 'Zeit in der Aufzeichnung', timeOf: (at: string, all: string) => `${at} von ${all}`, speed: 'Tempo',
    steps: 'Schritte', step: 'Schritt', from: 'Ab', took: 'Dauer', recording: 'Aufzeichnung', recorded: 'ja', notRecorded: 'nicht mehr da: nur nach den Akten', attempt: (n: number) => `Versuch ${n}`,
  },
};
