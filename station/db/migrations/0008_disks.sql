-- SPDX-License-Identifier: Apache-2.0
-- Schema version 8: orders whose units get no serial (a disk that is written reports none). Their PASS rests on the
-- proof of image alone.
ALTER TABLE orders ADD COLUMN takes_serials INTEGER NOT NULL DEFAULT 1 CHECK (takes_serials = 0 OR takes_serials = 1);
CREATE TRIGGER orders_takes_serials BEFORE UPDATE OF takes_serials ON orders WHEN NEW.takes_serials <> OLD.takes_serials
BEGIN SELECT RAISE(ABORT, 'order: its terms are fixed'); END;

DROP TRIGGER job_pass_is_proven;
CREATE TRIGGER job_pass_is_proven BEFORE UPDATE OF outcome ON job WHEN NEW.outcome = 'PASS' AND NOT (
  EXISTS (SELECT 1 FROM proof WHERE job_id = NEW.id AND kind = 'image' AND ok = 1) AND
  (EXISTS (SELECT 1 FROM orders WHERE id = NEW.order_id AND takes_serials = 0) OR (
   EXISTS (SELECT 1 FROM proof WHERE job_id = NEW.id AND kind = 'serial' AND ok = 1) AND
   EXISTS (SELECT 1 FROM unit_serial WHERE unit_id = NEW.unit_id AND state = 'burned'))) AND
  (EXISTS (SELECT 1 FROM unit WHERE id = NEW.unit_id AND chip_id IS NOT NULL) OR
   EXISTS (SELECT 1 FROM orders WHERE id = NEW.order_id AND allow_no_chip = 1)))
BEGIN SELECT RAISE(ABORT, 'job: PASS without proof'); END;
