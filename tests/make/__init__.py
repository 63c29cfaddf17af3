"""One builder per event, with the defaults of one small story; say only what a test is about.

    make.sale_made(lines=(make.sale_line(units=3),))

The story: Tosor's apricots of p-001 and sugar of Kant become 100 jars of jam (`batch-jam-1`), 40 of which go to the
shop in Karakol, where till `karakol-1` sells two.
"""

from tests.make.center import *  # noqa: F403
from tests.make.committee import *  # noqa: F403
from tests.make.each import *  # noqa: F403
from tests.make.exchange import *  # noqa: F403
from tests.make.logistics import *  # noqa: F403
from tests.make.network import *  # noqa: F403
from tests.make.outlets import *  # noqa: F403
from tests.make.production import *  # noqa: F403
from tests.make.settlement import *  # noqa: F403
from tests.make.values import *  # noqa: F403
