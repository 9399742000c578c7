export function checkOf(name: string, text: string): string;
