// SPDX-License-Identifier: Apache-2.0
// A button that asks once more before it does it, and is at rest while that lasts.
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { sentenceOf } from '../api/client';
import { live } from '../live/store';
import { say } from './press';

interface Asked {
  name: string;
  text: string;
  sure: string;
  busy?: string;      // while it is done
  class?: string;
  act: () => Promise<unknown>;
}

export function SureButton({ name, text, sure, busy, class: kind, act }: Asked): JSX.Element {
  const [asked, setAsked] = useState(false);
  const [doing, setDoing] = useState(false);
  useEffect(() => {
    if (!asked) return undefined;
    const timer = setTimeout(() => setAsked(false), 5000);
    return () => clearTimeout(timer);
  }, [asked]);
  const press = async (): Promise<void> => {
    setAsked(!asked);
    if (!asked) return;
    setDoing(true);
    try {
      await act();
    } catch (problem) {
      const { sentence, hint } = sentenceOf(problem);
      say(hint ? `${sentence}. ${hint}` : sentence, true);
    } finally {
      setDoing(false);
    }
  };
  return (
    <button type="button" class={[kind, asked ? 'sure' : ''].filter(Boolean).join(' ')} disabled={live.value !== 'live' || doing} data-sure={name}
      onClick={() => void press()}>
      {doing && busy !== undefined ? busy : asked ? sure : text}
    </button>
  );
}
