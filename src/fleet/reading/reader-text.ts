/**
 * The script of the thread in which what hosts said is read, where there is no file to start it from: the
 * shipped program has it here (scripts/bundle.ts). From the sources there is the file.
 */
export const readerText: string | null = null;
