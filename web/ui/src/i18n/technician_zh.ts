// SPDX-License-Identifier: Apache-2.0
// Simplified Chinese: the technician's pages.
import type { TechnicianTexts } from './technician_en';

export const technicianZh: TechnicianTexts = {
  slots: {
    title: '槽位', closed: '已关闭的槽位', noneClosed: '没有关闭的槽位。', all: '逐个槽位',
    corner: 'FAIL 与工站异常，以及故障跟着槽位还是产品', state: '状态', open: '开放', isClosed: '已关闭', faults: '故障',
    itself: (when) => `${when} 自动关闭`,
    byPerson: (who, when) => `${who} 于 ${when} 关闭`,
    reopenedBy: (who, why) => `${who} 重新开放：${why}`,
    slotFault: (code, what, cases, all, units, elsewhere) =>
      `${code} ${what}：跟着槽位走。${all} 次中有 ${cases} 次在此，涉及 ${units} 件产品，其中 ${elsewhere} 件在其他槽位 PASS。`,
    unitFault: (code, what, units, elsewhere) => `${code} ${what}：跟着产品走。${units} 件产品中有 ${elsewhere} 件在其他槽位也出现。`,
    fault: (code, what, cases, all) => `${code} ${what}：${all} 次中有 ${cases} 次在此。`,
    noFault: '无',
    close: '关闭…', closeSure: (slot) => `关闭槽位 ${slot}`,
    closeNote: '正在进行的作业会做完。重新开放之前，此处不再开始作业。',
    reopen: '重新开放…', reopenSure: (slot) => `重新开放槽位 ${slot}`,
    reopenNote: '说明更换了什么。此前的故障不再计入。',
    earlier: '以前的关闭',
  },
  layout: {
    title: '排列看板', how: '把每个方块放到其插座所在的位置：拖动，或先选槽位再选格子，或用方向键移动。按住 Shift 可多选，以归入同一集线器。',
    lines: '行数', columns: '列数', hubNone: '所选槽位的集线器', hubOf: (slots) => `槽位 ${slots} 的集线器`,
    at: (slot, line, place) => `槽位 ${slot}：第 ${line} 行，第 ${place} 列`,
    gap: (line, place) => `空格，第 ${line} 行，第 ${place} 列`,
    save: '保存到所有看板', undo: '撤销更改', default: '恢复普通网格',
    saved: '已保存，所有看板已更新。', isDefault: '所有看板已恢复普通网格。',
  },
};
