// SPDX-License-Identifier: Apache-2.0
// Spanish: recipes, host doctor, replay.
import type { BenchTexts } from './bench_en';

export const benchEs: BenchTexts = {
  recipes: {
    title: 'Recetas y perfiles', text: 'Texto del archivo', check: 'Lo que dice la estación', checking: 'Comprobando …',
    good: (n: number): string => (n === 1 ? 'En orden: 1 perfil' : `En orden: ${n} perfiles`), bad: (n: number): string => (n === 1 ? '1 error' : `${n} errores`),
    at: (line: number, column: number) => `línea ${line}, columna ${column}`,
    keptMark: '(kept-1) representa una contraseña del archivo. Si no la toca, se conserva; escriba encima para cambiarla.',
    review: 'Comparar y guardar …', undo: 'Deshacer cambios', back: 'Seguir editando', difference: 'Qué cambia', nextStart: 'vale desde el próximo arranque de la estación',
    cut: (n: number): string => (n === 1 ? '1 línea igual' : `${n} líneas iguales`), added: 'nuevo: ', removed: 'quitado: ',
    stops: 'Estos pedidos abiertos ya no empezarán nada después:', stopsHint: 'Un pedido conserva las condiciones con las que se abrió. Ciérrelo entonces y abra otro, o deshaga el cambio.',
    save: 'Guardar …', saveSure: 'Guardar el archivo', saveNote: 'Lo que está en marcha sigue igual. El archivo anterior se conserva al lado.',
    saved: 'Guardado. Vale desde el próximo arranque de la estación.', pending: 'Guardado, aún no vigente.',
    savedBy: (who: string, at: string, why: string) => `${who}, ${at}: ${why}.`,
    pendingHint: 'Vale cuando la estación arranque de nuevo: sin unidades en trabajo, systemctl restart lineside-stationd.',
    readOnly: { station: 'Perfiles y recetas están en station.toml, que solo root cambia. Aquí se pueden comprobar, no guardar.', large: 'Este archivo es demasiado largo para editarlo en una página.', rights: 'La estación no puede escribir este archivo o su carpeta.' },
    move: 'Para editarlos aquí, páselos a un archivo propio:',
    moveSteps: (file: string) => [`Corte de ${file} todas las tablas [[profile]] y [[recipe]] con lo que les pertenece`, 'Péguelas en /var/lib/lineside-setup/recipes.toml, del usuario lineside, modo 0600', 'Escriba recipes = "/var/lib/lineside-setup/recipes.toml" bajo [station]', `lineside check config ${file}`, 'systemctl restart lineside-stationd'],
  },
  host: {
    title: 'Examen del equipo', again: 'Comprobar otra vez', looking: 'La estación examina su equipo …', mend: 'Remedio:',
    weights: { fine: 'bien', warning: 'aviso', error: 'mal' }, verdict: { fit: 'Este equipo es apto', unfit: 'Este equipo aún no es apto' },
    sum: (fine: number, warning: number, bad: number) => `${fine} bien, ${warning} avisos, ${bad} mal`,
    asService: 'La estación mira con los permisos de su servicio. Lo que no ve, lo ve root: sudo lineside doctor.',
    names: { config: 'Configuración', kernel: 'Núcleo', users: 'Usuarios', helper: 'Ayudante root', key: 'Clave de los tokens', signing_key: 'Clave de firma', port: 'Puerto de la página', disk: 'Disco', bsp: 'Árboles BSP', tools: 'Herramientas de flash.sh', overlay: 'Sistema overlay', cgroup: 'Grupos de control', usb: 'USB', usbfs_memory: 'Memoria USB', autosuspend: 'Ahorro de energía USB', udev: 'Reglas udev', meddlers: 'Programas que abren unidades', tlp: 'TLP', power: 'Interruptores de alimentación', virtual: 'Máquina virtual' },
  },
  replay: {
    open: 'Reproducir', title: (job: number) => `Reproducción del trabajo ${job}`, head: (slot: string, attempt: number, at: string) => `ranura ${slot}, intento ${attempt}, ${at}`, unit: 'Volver a la unidad', loading: 'Leyendo la grabación …',
    none: 'La estación no dio la película de este trabajo.', cut: 'La grabación se cortó en el camino: falta el resto.',
    mark: 'REPETICIÓN', notLive: 'Grabado. Aquí no hay ninguna unidad en trabajo.', play: 'Reproducir', pause: 'Pausa', scrub: 'Momento de la grabación', timeOf: (at: string, all: string) => `${at} de ${all}`, speed: 'Velocidad',
    steps: 'Pasos', step: 'Paso', from: 'Desde', took: 'Duración', recording: 'Grabación', recorded: 'sí', notRecorded: 'no conservada: solo por los registros', attempt: (n: number) => `intento ${n}`,
  },
};
