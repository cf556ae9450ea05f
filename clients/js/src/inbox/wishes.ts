// A set of names that a page changes and the hub tells: muted kinds, or topics that are followed. What the page has changed is shown at once.

export class Wishes {
  #told: readonly string[] | undefined;
  /** On their way to the hub: of one name the newest counts. */
  #changes: readonly { name: string; isOn: boolean }[] = [];

  /** Undefined until the hub has told. */
  get names(): readonly string[] | undefined {
    if (!this.#told && !this.#changes.length) return undefined;
    const names = new Set(this.#told);
    for (const { name, isOn } of this.#changes) isOn ? names.add(name) : names.delete(name);
    return Object.freeze([...names].sort());
  }

  tell(names: readonly string[]): void {
    this.#told = names;
  }

  /** Sends a change, which is shown until it has failed. */
  async change(name: string, isOn: boolean, send: () => Promise<void>, changed: () => void): Promise<void> {
    const change = { name, isOn };
    this.#changes = [...this.#changes, change];
    changed();
    try {
      await send();
      const others = (this.#told ?? []).filter((other) => other !== name);
      // Before the hub has told of all, one name is not all.
      if (this.#told) this.#told = isOn ? [...others, name] : others;
    } finally {
      this.#changes = this.#changes.filter((other) => other !== change);
      changed();
    }
  }
}
