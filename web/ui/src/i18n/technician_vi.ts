// SPDX-License-Identifier: Apache-2.0
// Vietnamese: the technician's pages.
import type { TechnicianTexts } from './technician_en';

export const technicianVi: TechnicianTexts = {
  slots: {
    title: 'Khe', closed: 'Khe đã đóng', noneClosed: 'Không có khe nào bị đóng.', all: 'Từng khe',
    corner: 'FAIL và sự cố trạm, và mỗi lỗi đi theo khe hay thiết bị', state: 'Trạng thái', open: 'đang mở', isClosed: 'đã đóng', faults: 'Lỗi',
    itself: (when) => `Tự đóng ${when}`,
    byPerson: (who, when) => `${who} đóng ${when}`,
    reopenedBy: (who, why) => `${who} mở lại: ${why}`,
    slotFault: (code, what, cases, all, units, elsewhere) =>
      `${code} ${what}: đi theo khe. ${cases} trên ${all} ca ở khe này, với ${units} thiết bị, trong đó ${elsewhere} đã PASS ở khe khác.`,
    unitFault: (code, what, units, elsewhere) => `${code} ${what}: đi theo thiết bị. ${elsewhere} trên ${units} thiết bị cũng bị ở khe khác.`,
    fault: (code, what, cases, all) => `${code} ${what}: ${cases} trên ${all} ca ở khe này.`,
    noFault: 'không có',
    close: 'Đóng …', closeSure: (slot) => `Đóng khe ${slot}`,
    closeNote: 'Việc đang chạy ở đó vẫn chạy đến hết. Không có gì bắt đầu ở đó cho đến khi mở lại.',
    reopen: 'Mở lại …', reopenSure: (slot) => `Mở lại khe ${slot}`,
    reopenNote: 'Nêu rõ đã thay đổi gì. Lỗi trước đây ở khe này không còn được tính.',
    earlier: 'Các lần đóng trước',
  },
  layout: {
    title: 'Sắp xếp bảng', how: 'Đặt mỗi ô vào đúng vị trí ổ cắm của nó: kéo, hoặc chọn khe rồi chọn ô trống, hoặc dùng phím mũi tên. Giữ Shift để chọn nhiều khe và gán chung một hub.',
    lines: 'Hàng', columns: 'Cột', hubNone: 'Hub của các khe đã chọn', hubOf: (slots) => `Hub của khe ${slots}`,
    at: (slot, line, place) => `Khe ${slot}: hàng ${line}, cột ${place}`,
    gap: (line, place) => `Ô trống, hàng ${line}, cột ${place}`,
    save: 'Lưu cho mọi bảng', undo: 'Hoàn tác thay đổi', default: 'Về lưới đơn giản',
    saved: 'Đã lưu. Mọi bảng đều hiển thị như vậy.', isDefault: 'Mọi bảng lại hiển thị lưới đơn giản.',
  },
};
