interface Answer {
  status: number;
  body: object;
}
export function makePool(changed?: () => void): { generate(body: object): Answer };
