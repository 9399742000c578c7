// SPDX-License-Identifier: Apache-2.0
// The list of complaints as a CSV file, made in the page. Cells that a spreadsheet would take for a formula get a
// leading apostrophe, as the station's own exports do.
import type { Complaint } from '../api/types';

export function cell(value: string): string {
  const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

export function complaintsCsv(complaints: readonly Complaint[]): string {
  const rows = complaints.map((one) =>
    [one.file, String(one.line), String(one.column), one.field, one.serial ?? '', one.message].map(cell).join(','));
  return `${['file,line,column,field,serial,message', ...rows].join('\r\n')}\r\n`;
}

export function saveAs(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: 'text/csv;charset=utf-8' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
