/** Another scheduler unit that a process is moved away from, as its clients see it. */
export interface OldUnit {
  /**
   * Whether it refuses to schedule in this process, as one does that is frozen there; asked with something that it can never schedule.
   * Fails with `unavailable` where it does not answer, or answers what does not tell.
   */
  refuses(process: string): Promise<boolean>
}
