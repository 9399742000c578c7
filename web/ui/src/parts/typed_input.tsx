// SPDX-License-Identifier: Apache-2.0
// A field whose text is told when it was typed to its end (Enter, or the field was left). Until then it is the hand's: the page around it is
// drawn anew whenever a tile changes, and an input with a `value` would then show the old one again, under the hand that types.
import type { JSX } from 'preact';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';

interface Props {
  name: string;
  type: 'text' | 'number' | 'date' | 'datetime-local';
  value: string;
  min?: number;
  max?: number;
  maxLength?: number;
  placeholder?: string;
  spellcheck?: boolean;
  change: (typed: string) => void;
}

export function TypedInput({ value, change, type, ...rest }: Props): JSX.Element {
  const field = useRef<HTMLInputElement>(null);
  const [told, tell] = useState(0);
  // Also after each telling: what came of it may be the old value, or one that was put within bounds.
  useLayoutEffect(() => {
    if (field.current !== null && field.current.value !== value) field.current.value = value;
  }, [value, told]);
  // Preact's types know an input of one type only, not of one of four.
  return <input ref={field} type={type as 'text'} autocomplete="off" {...rest} onChange={(event) => { change(event.currentTarget.value); tell(told + 1); }} />;
}
