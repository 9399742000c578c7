// SPDX-License-Identifier: Apache-2.0
// English: recipes, host doctor, replay.
export type BenchTexts = typeof benchEn;

export const benchEn = {
  recipes: {
    title: 'Recipes and profiles', text: 'Text of the file', check: 'What the station says', checking: 'Being checked …',
    good: (n: number): string => (n === 1 ? 'In order: 1 profile' : `In order: ${n} profiles`), bad: (n: number): string => (n === 1 ? '1 error' : `${n} errors`),
    at: (line: number, column: number) => `line ${line}, column ${column}`,
    keptMark: '(kept-1) stands for a password in the file. Left as it is, it is kept; write over it to change it.',
    review: 'Compare and save …', undo: 'Undo changes', back: 'Go on editing', difference: 'What changes', nextStart: 'holds from the next start of the station',
    cut: (n: number): string => (n === 1 ? '1 line as it was' : `${n} lines as they were`), added: 'new: ', removed: 'gone: ',
    stops: 'These open orders start nothing any more after that:', stopsHint: 'An order keeps the terms it was opened with. Close it then and open a new one, or take the change back.',
    save: 'Save …', saveSure: 'Save the file', saveNote: 'What runs goes on unchanged. The file as it was is kept beside it.',
    saved: 'Saved. It holds from the next start of the station.', pending: 'Saved, not in force yet.',
    savedBy: (who: string, at: string, why: string) => `${who}, ${at}: ${why}.`,
    pendingHint: 'It holds when the station starts next: when no unit is at work, systemctl restart lineside-stationd.',
    readOnly: { station: 'Profiles and recipes stand in station.toml, which only root changes. They can be checked here, not saved.', large: 'This file is too long to be edited on a page.', rights: 'The station may not write this file or its folder.' },
    move: 'To edit them here, move them to a file of their own:',
    moveSteps: (file: string) => [`Cut all [[profile]] and [[recipe]] tables, with what belongs to them, out of ${file}`, 'Put them into /var/lib/lineside-setup/recipes.toml, owned by user lineside, mode 0600', 'Write recipes = "/var/lib/lineside-setup/recipes.toml" under [station]', `lineside check config ${file}`, 'systemctl restart lineside-stationd'],
  },
  host: {
    title: 'Host doctor', again: 'Check again', looking: 'The station looks at its host …', mend: 'Remedy:',
    weights: { fine: 'ok', warning: 'warning', error: 'bad' }, verdict: { fit: 'This host is fit', unfit: 'This host is not fit yet' },
    sum: (fine: number, warning: number, bad: number) => `${fine} ok, ${warning} warnings, ${bad} bad`,
    asService: 'The station looks with the rights of its service. What is hidden from it, root sees: sudo lineside doctor.',
    names: { config: 'Configuration', kernel: 'Kernel', users: 'Users', helper: 'Root helper', key: 'Key of the tokens', signing_key: 'Signing key', port: 'Port of the page', disk: 'Disk', bsp: 'BSP trees', tools: 'Tools of flash.sh', overlay: 'Overlay file system', cgroup: 'Control groups', usb: 'USB', usbfs_memory: 'USB memory', autosuspend: 'USB power saving', udev: 'udev rules', meddlers: 'Programs that open units', tlp: 'TLP', power: 'Power switches', virtual: 'Virtual machine' },
  },
  replay: {
    open: 'Replay', title: (job: number) => `Replay of job ${job}`, head: (slot: string, attempt: number, at: string) => `slot ${slot}, attempt ${attempt}, ${at}`, unit: 'Back to the unit', loading: 'The recording is read …',
    none: 'The station gave no film of this job.', cut: 'The recording broke off on its way: what follows is missing.',
    mark: 'REPLAY', notLive: 'Recorded. This is no unit at work.', play: 'Play', pause: 'Pause', scrub: 'Time in the recording', timeOf: (at: string, all: string) => `${at} of ${all}`, speed: 'Speed',
    steps: 'Steps', step: 'Step', from: 'From', took: 'Took', recording: 'Recording', recorded: 'yes', notRecorded: 'not kept: by the records alone', attempt: (n: number) => `attempt ${n}`,
  },
};
