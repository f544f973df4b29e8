"""What leaves the library for a DAW: tags, playlists, kits, slices, and the undo journal of what they change."""
