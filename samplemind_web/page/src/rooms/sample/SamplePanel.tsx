/** What is known of one sample, in the side panel. */
export default function SamplePanel({ id }: { id: string; onClose: () => void }) {
  return <p className="name p-4">{id}</p>;
}
