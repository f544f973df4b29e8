/** One sound that is heard: from memory, or streamed. */

const FADE = 0.006; // s: no click where a sound begins or ends in its middle

/** What the player needs of a sound that is heard. */
export interface Voice {
  /** Whether it runs with the project's bars. */
  readonly inTime: boolean;
  readonly sounding: boolean;
  onEnd: () => void;
  /** Called when it is heard. */
  onBegin: () => void;
  begin(): void;
  /** Where it is, from 0 to 1. */
  position(): number;
  end(): void;
}

/** A decoded sound. */
export class BufferVoice implements Voice {
  readonly inTime: boolean;
  sounding = true;
  onEnd: () => void = () => undefined;
  onBegin: () => void = () => undefined;
  readonly #source: AudioBufferSourceNode;
  readonly #gain: GainNode;
  readonly #begun: number;

  constructor(
    private readonly buffer: AudioBuffer,
    output: AudioNode,
    private readonly offset: number,
    { loop, inTime }: { loop: boolean; inTime: boolean },
  ) {
    const context = output.context;
    this.inTime = inTime;
    this.#gain = context.createGain();
    this.#gain.connect(output);
    this.#source = new AudioBufferSourceNode(context, { buffer, loop });
    this.#source.connect(this.#gain);
    this.#begun = context.currentTime;
    if (offset > 0) {
      this.#gain.gain.setValueAtTime(0, this.#begun);
      this.#gain.gain.linearRampToValueAtTime(1, this.#begun + FADE);
    }
    this.#source.onended = () => {
      this.sounding = false;
      this.#gain.disconnect();
      this.onEnd();
    };
    this.#source.start(this.#begun, offset);
  }

  begin(): void {
    this.onBegin();
  }

  position(): number {
    const seconds = this.#source.context.currentTime - this.#begun + this.offset;
    const part = seconds / this.buffer.duration;
    return this.#source.loop ? part % 1 : Math.min(part, 1);
  }

  end(): void {
    if (!this.sounding) return;
    const now = this.#source.context.currentTime;
    this.onEnd = () => undefined;
    this.#gain.gain.cancelScheduledValues(now);
    this.#gain.gain.setTargetAtTime(0, now, FADE / 3);
    this.#source.stop(now + FADE * 2);
  }
}

/** A long sound, which the browser streams. It is made faster or slower by the browser itself, at its own pitch. */
export class ElementVoice implements Voice {
  readonly inTime = false;
  sounding = true;
  onEnd: () => void = () => undefined;
  onBegin: () => void = () => undefined;
  readonly element: HTMLAudioElement;
  readonly #node: MediaElementAudioSourceNode;
  readonly #fail: (error: unknown) => void;

  constructor(
    element: HTMLAudioElement,
    output: GainNode,
    speed: number,
    from: number,
    onFail: (error: unknown) => void,
  ) {
    const context = output.context as AudioContext;
    this.element = element;
    this.element.preservesPitch = true;
    this.element.playbackRate = speed;
    this.#node = context.createMediaElementSource(this.element);
    this.#node.connect(output);
    this.element.onended = () => {
      this.sounding = false;
      this.#node.disconnect();
      this.onEnd();
    };
    const failed = (error: unknown) => {
      if (this.sounding) onFail(error);
    };
    this.element.onerror = () => failed(new Error(this.element.error?.message || "It cannot be loaded."));
    this.element.onplaying = () => {
      this.element.onplaying = null;
      this.onBegin();
    };
    this.#fail = failed;
    if (from === 0) return;
    const seek = () => {
      this.element.currentTime = from * this.element.duration;
    };
    if (this.element.readyState >= HTMLMediaElement.HAVE_METADATA) seek();
    else this.element.addEventListener("loadedmetadata", seek, { once: true });
  }

  begin(): void {
    this.element.play().catch(this.#fail);
  }

  position(): number {
    const { currentTime, duration } = this.element;
    return duration > 0 ? currentTime / duration : 0;
  }

  end(): void {
    if (!this.sounding) return;
    this.sounding = false;
    this.onEnd = () => undefined;
    this.element.pause();
    this.element.removeAttribute("src");
    this.element.load();
    this.#node.disconnect();
  }
}
