/** Methods that every Buffer of Node has (they are what toString('latin1') calls) but that its types leave out. */
interface Buffer {
  latin1Slice(start?: number, end?: number): string;
  latin1Write(text: string, offset?: number, length?: number): number;
}
