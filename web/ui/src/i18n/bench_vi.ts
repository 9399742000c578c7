// SPDX-License-Identifier: Apache-2.0
// Vietnamese: recipes, host doctor, replay.
import type { BenchTexts } from './bench_en';

export const benchVi: BenchTexts = {
  recipes: {
    title: 'Công thức và cấu hình sản phẩm', text: 'Nội dung tệp', check: 'Trạm cho biết', checking: 'Đang kiểm tra …',
    good: (n: number): string => `Hợp lệ: ${n} cấu hình`, bad: (n: number): string => `${n} lỗi`,
    at: (line: number, column: number) => `dòng ${line}, cột ${column}`,
    keptMark: '(kept-1) thay cho một mật khẩu trong tệp. Để nguyên thì giữ lại; ghi đè để đổi.',
    review: 'So sánh và lưu …', undo: 'Bỏ thay đổi', back: 'Sửa tiếp', difference: 'Những gì thay đổi', nextStart: 'có hiệu lực từ lần khởi động sau của trạm',
    cut: (n: number): string => `${n} dòng như cũ`, added: 'mới: ', removed: 'bỏ: ',
    stops: 'Sau đó các đơn đang mở này không bắt đầu gì nữa:', stopsHint: 'Đơn giữ các điều khoản khi được mở. Khi đó hãy đóng nó và mở đơn mới, hoặc bỏ thay đổi.',
    save: 'Lưu …', saveSure: 'Lưu tệp', saveNote: 'Việc đang chạy không đổi. Tệp cũ được giữ bên cạnh.',
    saved: 'Đã lưu. Có hiệu lực từ lần khởi động sau của trạm.', pending: 'Đã lưu, chưa có hiệu lực.',
    savedBy: (who: string, at: string, why: string) => `${who}, ${at}: ${why}.`,
    pendingHint: 'Có hiệu lực khi trạm khởi động lại: lúc không có máy nào đang làm, systemctl restart lineside-stationd.',
    readOnly: { station: 'Cấu hình và công thức nằm trong station.toml, chỉ root được sửa. Ở đây chỉ kiểm tra, không lưu.', large: 'Tệp này quá dài để sửa trên trang.', rights: 'Trạm không được phép ghi tệp này hoặc thư mục của nó.' },
    move: 'Để sửa ở đây, hãy chuyển sang tệp riêng:',
    moveSteps: (file: string) => [`Cắt mọi bảng [[profile]] và [[recipe]] cùng phần thuộc về chúng khỏi ${file}`, 'Dán vào /var/lib/lineside-setup/recipes.toml, chủ là lineside, quyền 0600', 'Ghi recipes = "/var/lib/lineside-setup/recipes.toml" dưới [station]', `lineside check config ${file}`, 'systemctl restart lineside-stationd'],
  },
  host: {
    title: 'Khám máy chủ', again: 'Kiểm tra lại', looking: 'Trạm đang xem máy chủ của nó …', mend: 'Cách sửa:',
    weights: { fine: 'tốt', warning: 'cảnh báo', error: 'xấu' }, verdict: { fit: 'Máy chủ này đạt yêu cầu', unfit: 'Máy chủ này chưa đạt yêu cầu' },
    sum: (fine: number, warning: number, bad: number) => `${fine} tốt, ${warning} cảnh báo, ${bad} xấu`,
    asService: 'Trạm xem với quyền của dịch vụ. Những gì nó không thấy, root thấy: sudo lineside doctor.',
    names: { config: 'Cấu hình', kernel: 'Nhân hệ điều hành', users: 'Người dùng', helper: 'Trợ lý root', key: 'Khóa của token', signing_key: 'Khóa ký', port: 'Cổng của trang', disk: 'Đĩa', bsp: 'Cây BSP', tools: 'Công cụ của flash.sh', overlay: 'Hệ tệp overlay', cgroup: 'Nhóm điều khiển', usb: 'USB', usbfs_memory: 'Bộ nhớ USB', autosuspend: 'Tiết kiệm điện USB', udev: 'Luật udev', meddlers: 'Chương trình mở máy', tlp: 'TLP', power: 'Công tắc nguồn', virtual: 'Máy ảo' },
  },
  replay: {
    open: 'Phát lại', title: (job: number) => `Phát lại công việc ${job}`, head: (slot: string, attempt: number, at: string) => `khe ${slot}, lượt ${attempt}, ${at}`, unit: 'Về trang của máy', loading: 'Đang đọc bản ghi …',
    none: 'Trạm không đưa ra phim của công việc này.', cut: 'Bản ghi bị đứt giữa đường: thiếu phần sau.',
    mark: 'PHÁT LẠI', notLive: 'Bản ghi. Không có máy nào đang làm ở đây.', play: 'Phát', pause: 'Tạm dừng', scrub: 'Thời điểm trong bản ghi', timeOf: (at: string, all: string) => `${at} trên ${all}`, speed: 'Tốc độ',
    steps: 'Các bước', step: 'Bước', from: 'Từ', took: 'Mất', recording: 'Bản ghi', recorded: 'có', notRecorded: 'không còn: chỉ theo hồ sơ', attempt: (n: number) => `lượt ${n}`,
  },
};
