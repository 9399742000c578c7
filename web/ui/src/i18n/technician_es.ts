// SPDX-License-Identifier: Apache-2.0
// Spanish: the technician's pages.
import type { TechnicianTexts } from './technician_en';

export const technicianEs: TechnicianTexts = {
  slots: {
    title: 'Ranuras', closed: 'Ranuras cerradas', noneClosed: 'No hay ranuras cerradas.', all: 'Ranura por ranura',
    corner: 'FAIL y errores de estación, y a quién sigue cada fallo', state: 'Estado', open: 'abierta', isClosed: 'cerrada', faults: 'Fallos',
    itself: (when) => `Se cerró sola ${when}`,
    byPerson: (who, when) => `Cerrada por ${who} ${when}`,
    reopenedBy: (who, why) => `reabierta por ${who}: ${why}`,
    slotFault: (code, what, cases, all, units, elsewhere) =>
      `${code} ${what}: sigue a la ranura. ${cases} de ${all} casos aquí, con ${units} unidades; ${elsewhere} de ellas dieron PASS en otra ranura.`,
    unitFault: (code, what, units, elsewhere) => `${code} ${what}: sigue a la unidad. ${elsewhere} de ${units} unidades lo tuvieron también en otra ranura.`,
    fault: (code, what, cases, all) => `${code} ${what}: ${cases} de ${all} casos aquí.`,
    noFault: 'ninguno',
    close: 'Cerrar…', closeSure: (slot) => `Cerrar la ranura ${slot}`,
    closeNote: 'Lo que está en marcha termina. No arranca nada ahí hasta que se reabra.',
    reopen: 'Reabrir…', reopenSure: (slot) => `Reabrir la ranura ${slot}`,
    reopenNote: 'Diga qué se cambió. Los fallos anteriores de esta ranura dejan de contar.',
    earlier: 'Cierres anteriores',
  },
  layout: {
    title: 'Ordenar el tablero', how: 'Ponga cada ficha donde está su conector: arrástrela, o elíjala y luego una celda, o muévala con las flechas. Con Mayús se eligen varias para darles un hub.',
    lines: 'Filas', columns: 'Columnas', hubNone: 'Hub de las ranuras elegidas', hubOf: (slots) => `Hub de la ranura ${slots}`,
    at: (slot, line, place) => `Ranura ${slot}: fila ${line}, columna ${place}`,
    gap: (line, place) => `Celda vacía, fila ${line}, columna ${place}`,
    save: 'Guardar para todos los tableros', undo: 'Deshacer los cambios', default: 'Volver a la cuadrícula simple',
    saved: 'Guardado. Todos los tableros ya lo muestran.', isDefault: 'Todos los tableros muestran de nuevo la cuadrícula simple.',
  },
};
