"""Which landmark was seen from which place, and how often."""

from collections.abc import Iterator

Links = dict[int, dict[int, int]]


class SightLinks:
    """Links between landmarks and places, found from either end."""

    def __init__(self) -> None:
        self._places: Links = {}
        self._landmarks: Links = {}
        self._used = 0

    def __len__(self) -> int:
        return self._used

    def __iter__(self) -> Iterator[tuple[int, int, int]]:
        """Landmark, place and how often, by rising ids."""
        for landmark in sorted(self._places):
            for place in sorted(self._places[landmark]):
                yield landmark, place, self._places[landmark][place]

    def places(self, landmark: int) -> tuple[int, ...]:
        """From which a landmark was seen, rising."""
        return tuple(sorted(self._places.get(landmark, {})))

    def landmarks(self, place: int) -> tuple[int, ...]:
        """That were seen from a place, rising."""
        return tuple(sorted(self._landmarks.get(place, {})))

    def add(self, landmark: int, place: int, times: int = 1) -> None:
        """Counts sightings."""
        self._used += place not in self._places.get(landmark, ())
        for ends, a, b in ((self._places, landmark, place), (self._landmarks, place, landmark)):
            held = ends.setdefault(a, {})
            held[b] = held.get(b, 0) + times

    def drop_place(self, gone: int) -> None:
        """Forgets what was seen from a place."""
        self._used -= _drop(gone, self._landmarks, self._places)

    def drop_landmark(self, gone: int) -> None:
        """Forgets from where a landmark was seen."""
        self._used -= _drop(gone, self._places, self._landmarks)

    def move_place(self, gone: int, keep: int) -> None:
        """Gives what was seen from one place to another."""
        for landmark, times in self._landmarks.pop(gone, {}).items():
            del self._places[landmark][gone]
            self._used -= 1
            self.add(landmark, keep, times)

    def move_landmark(self, gone: int, keep: int) -> None:
        """Gives the sightings of one landmark to another."""
        for place, times in self._places.pop(gone, {}).items():
            del self._landmarks[place][gone]
            self._used -= 1
            self.add(keep, place, times)


def _drop(gone: int, ends: Links, others: Links) -> int:
    """Takes a node of the one kind out of both; how many links that were."""
    lost = ends.pop(gone, {})
    for other in lost:
        del others[other][gone]
        if not others[other]:
            del others[other]
    return len(lost)
