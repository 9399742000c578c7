// SPDX-License-Identifier: Apache-2.0
// Simplified Chinese: recipes, host doctor, replay.
import type { BenchTexts } from './bench_en';

export const benchZh: BenchTexts = {
  recipes: {
    title: '配方与产品配置', text: '文件内容', check: '站点的检查结果', checking: '正在检查……',
    good: (n: number): string => `合格：${n} 个产品配置`, bad: (n: number): string => `${n} 处错误`,
    at: (line: number, column: number) => `第 ${line} 行第 ${column} 列`,
    keptMark: '(kept-1) 代表文件中的一个密码。不动则保留；覆盖它即为更改。',
    review: '比较并保存……', undo: '撤销更改', back: '继续编辑', difference: '更改内容', nextStart: '站点下次启动后生效',
    cut: (n: number): string => `${n} 行未变`, added: '新增：', removed: '删除：',
    stops: '此后以下未关闭的订单不再开始任何设备：', stopsHint: '订单保持其开立时的条件。届时请关闭并另开新订单，或撤回更改。',
    save: '保存……', saveSure: '保存文件', saveNote: '正在进行的不受影响。原文件保留在旁边。',
    saved: '已保存。站点下次启动后生效。', pending: '已保存，尚未生效。',
    savedBy: (who: string, at: string, why: string) => `${who}，${at}：${why}。`,
    pendingHint: '站点下次启动时生效：没有设备在做时，执行 systemctl restart lineside-stationd。',
    readOnly: { station: '产品配置和配方在 station.toml 中，只有 root 能改。此处可检查，不能保存。', large: '此文件太长，不能在页面上编辑。', rights: '站点无权写此文件或其文件夹。' },
    move: '要在此编辑，请移到单独的文件：',
    moveSteps: (file: string) => [`从 ${file} 中剪切所有 [[profile]] 和 [[recipe]] 表及其所属内容`, '粘贴到 /var/lib/lineside-setup/recipes.toml，属主 lineside，权限 0600', '在 [station] 下写 recipes = "/var/lib/lineside-setup/recipes.toml"', `lineside check config ${file}`, 'systemctl restart lineside-stationd'],
  },
  host: {
    title: '主机检查', again: '再检查一次', looking: '站点正在检查主机……', mend: '补救：',
    weights: { fine: '正常', warning: '警告', error: '不良' }, verdict: { fit: '此主机合格', unfit: '此主机尚不合格' },
    sum: (fine: number, warning: number, bad: number) => `${fine} 项正常，${warning} 项警告，${bad} 项不良`,
    asService: '站点以其服务的权限查看。它看不到的，root 能看到：sudo lineside doctor。',
    names: { config: '配置', kernel: '内核', users: '用户', helper: 'Root 助手', key: '令牌密钥', signing_key: '签名密钥', port: '页面端口', disk: '磁盘', bsp: 'BSP 目录树', tools: 'flash.sh 所需工具', overlay: 'Overlay 文件系统', cgroup: '控制组', usb: 'USB', usbfs_memory: 'USB 内存', autosuspend: 'USB 节电', udev: 'udev 规则', meddlers: '会打开设备的程序', tlp: 'TLP', power: '电源开关', virtual: '虚拟机' },
  },
  replay: {
    open: '回放', title: (job: number) => `作业 ${job} 的回放`, head: (slot: string, attempt: number, at: string) => `槽位 ${slot}，第 ${attempt} 次作业，${at}`, unit: '返回设备页', loading: '正在读取录像……',
    none: '站点没有给出此作业的录像。', cut: '录像在途中中断：缺少后面的部分。',
    mark: '回放', notLive: '录像。此处没有正在做的设备。', play: '播放', pause: '暂停', scrub: '录像中的时间', timeOf: (at: string, all: string) => `${at} / ${all}`, speed: '速度',
    steps: '步骤', step: '步骤', from: '起', took: '用时', recording: '录像', recorded: '有', notRecorded: '未保留：仅据记录', attempt: (n: number) => `第 ${n} 次`,
  },
};
