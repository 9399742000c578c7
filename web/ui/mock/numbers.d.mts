export function numbers(query: URLSearchParams): object;
