// SPDX-License-Identifier: Apache-2.0
// Invented recipes, findings of the host doctor and a film of the mock server. The check knows a few errors, not the station's rules.
import { createHash } from 'node:crypto';
import { tile } from './states.mjs';

const steps = ['flash', 'wait-unit', 'prove-image', 'set-nvme', 'set-serial', 'set-wifi-ap', 'install-camera', 'reboot-and-wait', 'read-serial'];
const first = `# What is made on line 2.
[[profile]]
id = "crc-nx"
name = "Camera, Xavier NX"
model = "xavier-nx"
board = "jetson-xavier-nx-devkit-emmc"
rootdev = "mmcblk0p1"
bsp = "/srv/bsp/r32.7.4"
recipe = "camera"
boot_s = 300             # from the end of the flash to the unit's network

[profile.expect]         # compared with the module's EEPROM before the first byte is written
id = "3668"
sku = ["0001"]

[profile.ssh]
user = "reeplayer"
password = "(kept-1)"
sudo = "sudo -n"

[[recipe]]
id = "camera"
${steps.map((step) => `[[recipe.step]]\nuse = "${step}"${step === 'set-wifi-ap' ? '\nssid = "Reeplayer"\nwifi_ap_password = "(kept-2)"' : step === 'install-camera' ? '\nversion = "2.11.0"' : ''}`).join('\n')}
`;
const own = '/var/lib/lineside-setup/recipes.toml';
const station = '/etc/lineside/station.toml';
const revisionOf = (text) => createHash('sha256').update(text).digest('hex');
const known = new Set([...steps, 'http-check', 'set-service', 'set-wifi-station', 'install-mcutool']);

function errorsOf(text, file) {
  const errors = [];
  const tell = (line, column, field, message, remedy = null) => errors.push({ file, line, column, field, message, remedy });
  text.split('\n').forEach((line, i) => {
    const use = /^use = "([^"]*)"/.exec(line)?.[1];
    if (use !== undefined && !known.has(use)) {
      const near = [...known].find((step) => step.startsWith(use.slice(0, 2)));
      tell(i + 1, 7, 'recipe.step.use', `no step is called '${use}'`, near === undefined ? null : `did you mean '${near}'?`);
    }
    if (/^boot_s = (?!\d)/.test(line)) tell(i + 1, 10, 'profile.boot_s', 'must be seconds, more than 0 and at most 86400');
    if (/^retires/.test(line)) tell(i + 1, 1, 'recipe.step.retires', 'is not a known key', "did you mean 'retries'?");
    if (/^\[\[?[^\]]*$/.test(line)) tell(i + 1, line.length + 1, '', "Error while parsing table header: expected ']', saw end of line");
  });
  return errors;
}

const fine = ['config', 'kernel', 'users', 'key', 'signing_key', 'port', 'disk', 'bsp', 'cgroup', 'usbfs_memory', 'udev', 'meddlers', 'tlp', 'virtual'];
const findings = [
  ...fine.map((name) => ({ code: `host.${name}`, weight: 'fine', cause: '', mend: '' })),
  { code: 'host.helper', weight: 'error', cause: 'the root helper does not answer at /run/lineside-helper/helper.sock: No such file or directory', mend: 'systemctl start lineside-helper; journalctl -u lineside-helper -n 20' },
  { code: 'host.tools', weight: 'warning', cause: "NVIDIA's flash.sh needs xmllint, lz4c, which this host lacks", mend: 'apt-get install libxml2-utils lz4' },
  { code: 'host.overlay', weight: 'warning', cause: "overlayfs is not loaded, and the kernel's modules are hidden from this user", mend: 'sudo lineside doctor' },
  { code: 'host.autosuspend', weight: 'error', cause: 'the kernel puts idle USB devices to sleep, which breaks flashing', mend: 'echo -1 > /sys/module/usbcore/parameters/autosuspend' },
];

function filmOf(job, tiles) {
  const last = tiles.find((one) => one.job === job && one.outcome !== null) ?? tile('3', 'pass', { job, unit: 4127 });
  const began = Date.now() - 3_600_000;
  const parts = [['flash', 'flashing', 2000, 312_000], ['wait-unit', 'restarting', 352_000, 371_000], ['prove-image', 'verifying', 371_000, 430_000], ['set-serial', 'personalising', 430_000, 436_000], ['read-serial', 'testing', 470_000, 480_000]];
  const frames = [[0, tile(last.slot, 'waiting')], [0, tile(last.slot, 'preparing')]];
  for (const [, kind, from, to] of parts) {
    for (let percent = 0; percent <= 100; percent += 4) {
      const at = from + ((to - from) * percent) / 100;
      frames.push([Math.round(at), tile(last.slot, kind, kind === 'restarting' ? {} : { percent, time_left_s: percent < 8 ? null : Math.round((to - at) / 1000) })]);
    }
    if (kind === 'flashing') frames.push([312_001, tile(last.slot, 'restarting', { time_left_s: null, time_form: null })]);
  }
  frames.push([481_000, { ...last, ack: 'when_unplugged', press: null, button: null, present: true }]);
  let told = {};
  const lines = frames.map(([at, now]) => {
    const whole = { ...now, job, unit: last.unit };
    const set = Object.fromEntries(Object.entries(whole).filter(([name, value]) => JSON.stringify(told[name]) !== JSON.stringify(value)));
    told = whole;
    return { at, set };
  });
  const head = {
    job, unit: last.unit ?? 1, slot: last.slot, attempt: 1, began, length_ms: 481_000,
    steps: parts.map(([name, , at, ended], i) => ({ index: i + 1, name, attempt: 1, at, ended, recorded: name !== 'wait-unit' })),
  };
  return [head, ...lines, { end: true, frames: lines.length }].map((line) => `${JSON.stringify(line)}\n`).join('');
}

export function makeBench(scene, tiles) {
  let text = first;
  let saved = null;
  const inStation = scene === 'recipes-station';
  const file = inStation ? station : own;
  const bad = (status, code, detail, hint) => ({ status, body: { type: `/problems/${code}`, title: detail, status, detail, code, hint } });
  const shown = () => ({ file, station_file: station, read_only: inStation ? 'station' : null, text, revision: revisionOf(text), in_force: saved === null, saved });
  const check = (body) => {
    const errors = errorsOf(body.text, file);
    const accept = errors.length === 0;
    const stops = accept && body.orders === true && body.text !== text ? [{ order: '2611-07', what: 'step 7, install-camera: version' }] : [];
    return { verdict: accept ? 'accept' : 'reject', profiles: accept ? body.text.split('[[profile]]').length - 1 : 0, errors, errors_total: errors.length, orders: accept && body.orders === true ? stops : null };
  };
  return {
    get(url) {
      if (url.pathname === '/api/v1/recipes') return shown();
      if (url.pathname === '/api/v1/doctor') return { verdict: 'unfit', findings, took_ms: 41 };
      return null;
    },
    film: (job) => filmOf(job, tiles),
    post(path, body) {
      if (path === '/mock/recipes') { text += '# somebody else\n'; return { status: 200, body: {} }; }
      if (path !== '/api/v1/recipes' && path !== '/api/v1/recipes/check') return null;
      if (body.revision !== revisionOf(text)) return bad(409, 'request.conflict', 'Somebody else has changed the file, or the station was restarted: load it anew, then make your change again');
      if (path.endsWith('/check')) return { status: 200, body: check(body) };
      if ((body.reason ?? '').trim() === '') return bad(400, 'request.invalid', 'reason: say why');
      if (check(body).verdict === 'reject') return bad(400, 'config.invalid', 'The file is not valid');
      text = body.text;
      saved = { at: Date.now(), by: 'page', reason: body.reason };
      return { status: 200, body: shown() };
    },
  };
}
