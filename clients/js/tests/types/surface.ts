import { version } from "tidings";

const text: string = version;
void text;
