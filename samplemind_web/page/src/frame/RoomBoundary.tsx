/** Keeps an error in one room from taking the whole page along. */
import { Component, type ReactNode } from "react";

export class RoomBoundary extends Component<{ children: ReactNode }, { error: Error | null }> {
  override state: { error: Error | null } = { error: null };

  static getDerivedStateFromError(error: Error) {
    return { error };
  }

  override render() {
    const { error } = this.state;
    if (!error) return this.props.children;
    return (
      <div role="alert" className="p-6">
        <h1 className="text-lg font-semibold">This part of the page has failed</h1>
        <p className="mt-1 text-dim">{error.message}</p>
        <button
          type="button"
          className="mt-3 rounded-md border border-edge px-3 py-1 hover:bg-hover"
          onClick={() => this.setState({ error: null })}
        >
          Show it again
        </button>
      </div>
    );
  }
}
