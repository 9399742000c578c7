// SPDX-License-Identifier: Apache-2.0
// Icons by the names the API uses, drawn inline from Lucide's line work (ISC). An unknown name draws a dot,
// so that a newer station never breaks an older page.
import {
  ArrowLeft, ArrowRight, Ban, ChartColumn, Check, CircleCheck, CircleDot, CircleX, Clock, Download, Hand,
  HardDriveDownload, Hourglass, ListChecks, Lock, Moon, OctagonX, Pause, PhoneCall, Play, Plug, Power,
  RotateCw, ScanBarcode, ScanSearch, Search, Square, Sun, Tag, TriangleAlert, Upload, WifiOff,
  Volume2, VolumeX, Wrench, X, Zap, CircleQuestionMark,
} from 'lucide';
import { createElement, type JSX } from 'preact';

type IconNode = typeof Plug;
const line: IconNode = [['path', { d: 'M3 3l18 18' }]];

const icons: Readonly<Record<string, IconNode>> = {
  plug: Plug, slash: Ban, question: CircleQuestionMark, dot: CircleDot, clock: Clock, power: Power,
  flash: HardDriveDownload, restart: RotateCw, check: ScanSearch, tag: Tag, list: ListChecks, hand: Hand,
  'hand-off': [...Hand, ...line], pass: CircleCheck, fail: X, spanner: Wrench, hourglass: Hourglass,
  square: Square, bolt: Zap, lock: Lock, arrow: ArrowRight, retry: RotateCw, scan: ScanBarcode,
  phone: PhoneCall, tick: Check, play: Play, pause: Pause, 'not-live': WifiOff, sun: Sun, moon: Moon, search: Search,
  download: Download, upload: Upload, warning: TriangleAlert, refused: OctagonX, 'circle-x': CircleX,
  turns: ChartColumn, 'turns-off': [...ChartColumn, ...line], back: ArrowLeft, close: X, sound: Volume2, 'sound-off': VolumeX,
};

export function Icon({ name, heavy = false }: { name: string; heavy?: boolean }): JSX.Element {
  const node = icons[name] ?? CircleDot;
  return (
    <svg class="icon" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-linecap="round"
      stroke-linejoin="round" stroke-width={heavy ? 3 : 2} aria-hidden="true" focusable="false">
      {node.map(([tag, attributes], i) => createElement(tag, { ...attributes, key: i }))}
    </svg>
  );
}
