# SPDX-License-Identifier: Apache-2.0
"""Volume in the client role: the cases of volume_cases."""

import harness
import volume_cases
from client import Client, sent


class Volume(Client, volume_cases.Volume):
    frame = staticmethod(sent)

    def setUp(self):
        super().setUp()
        self.start(**self.settings)

    def tearDown(self):
        self.stop()
        super().tearDown()

    def open(self):
        return self.server.upgraded()


if __name__ == "__main__":
    harness.main()
