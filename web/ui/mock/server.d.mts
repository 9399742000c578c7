export interface Mock {
  listen(port: number): Promise<number>;
  change(slot: string, tile: object): { tile: object; seq: number };
  drop(): void;
  silence(on: boolean): void;
  close(): void;
}
export function mock(options?: { scene?: string; still?: boolean }): Mock;
