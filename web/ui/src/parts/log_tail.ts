// SPDX-License-Identifier: Apache-2.0
// What of a log is held: its end and what comes, once a second while the job runs; or, apart from the end, what is around a place.
import { useEffect, useRef, useState } from 'preact/hooks';
import { api } from '../api/client';
import { LogWindow } from './log_model';

const pieceBytes = 256 * 1024;
const pollMs = 1000;

export interface Tail {
  window: LogWindow;
  size: number;
  ended: boolean;
  apart: boolean; // more follows that is not held
  version: number;
}

export interface LogTail {
  tail: Tail | null;
  failed: boolean;
  earlier: () => Promise<void>;
  later: () => Promise<void>;
  goTo: (position: number) => Promise<void>;
  toEnd: () => void;
}

export function useTail(job: number): LogTail {
  const [tail, setTail] = useState<Tail | null>(null);
  const [failed, setFailed] = useState(false);
  const [round, setRound] = useState(0);
  const held = useRef<Tail | null>(null);
  const keep = (next: Tail): void => {
    held.current = next;
    setTail(next);
  };
  useEffect(() => {
    const abort = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const turn = async (): Promise<void> => {
      try {
        const old = held.current;
        if (old?.apart === true) {
          timer = setTimeout(() => void turn(), pollMs);
          return;
        }
        const piece = await api.log(job, old ? old.window.end : -pieceBytes, pieceBytes, abort.signal);
        if (held.current !== old) { // somebody went elsewhere meanwhile
          timer = setTimeout(() => void turn(), 0);
          return;
        }
        const window = old ? old.window.append(piece.bytes) : LogWindow.from(piece.bytes, piece.from);
        if (!old || piece.bytes.length > 0 || piece.ended !== old.ended) {
          keep({ window, size: piece.size, ended: piece.ended, apart: false, version: (old?.version ?? 0) + 1 });
        }
        setFailed(false);
        if (piece.ended && window.end >= piece.size) return;
        timer = setTimeout(() => void turn(), window.end < piece.size ? 0 : pollMs);
      } catch {
        if (abort.signal.aborted) return;
        setFailed(true);
        timer = setTimeout(() => void turn(), 2 * pollMs);
      }
    };
    void turn();
    return () => {
      abort.abort();
      clearTimeout(timer);
    };
  }, [job, round]);
  const asked = async (what: () => Promise<void>): Promise<void> => {
    try {
      await what();
      setFailed(false);
    } catch {
      setFailed(true);
    }
  };
  return {
    tail,
    failed,
    earlier: () => asked(async () => {
      const old = held.current;
      if (!old || !old.window.canGrowBack) return;
      const from = Math.max(0, old.window.start - pieceBytes);
      const piece = await api.log(job, from, old.window.start - from);
      if (held.current === old) keep({ ...old, window: old.window.prepend(piece.bytes, from), version: old.version + 1 });
    }),
    later: () => asked(async () => {
      const old = held.current;
      if (!old?.apart) return;
      const piece = await api.log(job, old.window.end, pieceBytes);
      if (held.current !== old) return;
      const window = old.window.append(piece.bytes);
      keep({ window, size: piece.size, ended: piece.ended, apart: window.end < piece.size, version: old.version + 1 });
    }),
    goTo: (position) => asked(async () => {
      const from = Math.max(0, position - pieceBytes / 4);
      const piece = await api.log(job, from, pieceBytes);
      const window = LogWindow.from(piece.bytes, from);
      keep({ window, size: piece.size, ended: piece.ended, apart: window.end < piece.size, version: (held.current?.version ?? 0) + 1 });
    }),
    toEnd: () => {
      held.current = null;
      setRound((old) => old + 1);
    },
  };
}
