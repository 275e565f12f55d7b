"""draw: the charts as SVG: bars of the requests that one core serves, and curves of growing cost."""
import math

NAMES = ['common', 'nghttpd', 'h2o', 'nginx', 'node']
LABELS = {'common': 'common/server.h', 'node': 'Node.js', 'limit': 'nghttp2 alone'}
COLORS = {'common': '#0b7285', 'nghttpd': '#e8590c', 'h2o': '#5f3dc4', 'nginx': '#2b8a3e', 'node': '#868e96',
          'limit': '#ced4da'}
PANEL = (380, 250)  # of one chart of curves
TITLES = {
    'connections': ('connections', 'CPU µs a request'),
    'streams': ('streams at once, one connection', 'CPU µs a request'),
    'body': ('bytes of body', 'CPU µs a request'),
    'fields': ('header fields besides the usual five', 'CPU µs a request'),
}


def text(x, y, what, anchor='start', size=12, color='#212529', weight='normal'):
    return (f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" fill="{color}" '
            f'font-weight="{weight}">{what}</text>')


def svg(width, height, parts):
    return '\n'.join([f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
                      'font-family="system-ui, sans-serif">', f'<rect width="{width}" height="{height}" fill="#fff"/>',
                      *parts, '</svg>', ''])


def short(number):
    """12 k, 1.5 M."""
    for power, unit in (9, 'G'), (6, 'M'), (3, 'k'):
        if number >= 10 ** power:
            return f'{number / 10 ** power:.3g}{unit}'
    return f'{number:.3g}'


# --- Bars -----------------------------------------------------------------------------------------------


def bars(results):
    """The requests that one core serves at 10x100: the inverse of processor time."""
    parts = [text(20, 28, 'Requests a second that one core serves', size=16, weight='600'),
             text(20, 46, f'10 connections of 100 streams, 12 bytes of body. {results["machine"]["processor"]}', size=11, color='#495057')]
    rows = [row for row in results['rows'] if row['part'] == 'speed' and row['what'] == '10x100']
    most = max([1e6 / row['cpu_us'] for row in rows] + [1e6 / row['limit_us'] for row in rows], default=1)
    y = 62
    for tls in False, True:
        some = {row['server']: row for row in rows if row['tls'] == tls}
        if not some:
            continue
        figures = {name: 1e6 / some[name]['cpu_us'] for name in NAMES if name in some}
        if not tls:
            figures = {'limit': 1e6 / next(iter(some.values()))['limit_us'], **figures}
        y += 16
        parts.append(text(20, y, 'TLS 1.3' if tls else 'plain TCP', weight='600'))
        for name, figure in figures.items():
            y += 24
            width = 480 * figure / most
            parts += [text(135, y, LABELS.get(name, name), 'end'),
                      f'<rect x="145" y="{y - 13}" width="{width:.1f}" height="17" rx="2" fill="{COLORS[name]}"/>',
                      text(152 + width, y, short(figure), weight='600' if name == 'common' else 'normal')]
        y += 20
    return svg(700, y + 8, parts)


# --- Curves ---------------------------------------------------------------------------------------------


def curve_points(results, kind):
    """{server: [(x, y)]}"""
    points = {}
    for row in results['rows']:
        if row['part'] == 'growth' and row['what'].split()[0] == kind and row['cpu_us'] > 0:
            points.setdefault(row['server'], []).append((float(row['what'].split()[1]), row['cpu_us']))
    return points


class Scale:
    """A logarithmic axis: powers of ten from below the least to above the most."""

    def __init__(self, values, start, length):
        self.low = math.floor(math.log10(min(values)) + 1e-9)
        self.high = max(math.ceil(math.log10(max(values)) - 1e-9), self.low + 1)
        self.start, self.length = start, length

    def at(self, value):
        return self.start + self.length * (math.log10(value) - self.low) / (self.high - self.low)

    def ticks(self):
        return [10.0 ** power for power in range(self.low, self.high + 1)]


def panel(results, kind, left, top):
    points = curve_points(results, kind)
    if not points:
        return []
    everything = [point for some in points.values() for point in some]
    x = Scale([point[0] for point in everything], left + 52, PANEL[0] - 80)
    y = Scale([point[1] for point in everything], top + PANEL[1] - 42, 80 - PANEL[1])
    x_title, y_title = TITLES[kind]
    parts = [text(left + 10, top + 16, y_title, size=11, color='#495057'),
             text(left + 52 + (PANEL[0] - 80) / 2, top + PANEL[1] - 6, x_title, 'middle', 11, '#495057')]
    for tick in y.ticks():
        parts += [f'<path d="M{x.start} {y.at(tick):.1f}h{x.length}" stroke="#e9ecef"/>',
                  text(x.start - 6, y.at(tick) + 4, short(tick), 'end', 10, '#495057')]
    for tick in x.ticks():
        parts += [f'<path d="M{x.at(tick):.1f} {y.start}v{y.length}" stroke="#f1f3f5"/>',
                  text(x.at(tick), y.start + 15, short(tick), 'middle', 10, '#495057')]
    for name in reversed(NAMES):  # draw ours last, over the others
        if name in points:
            line = ' '.join(f'{x.at(point[0]):.1f},{y.at(point[1]):.1f}' for point in sorted(points[name]))
            parts.append(f'<polyline points="{line}" fill="none" stroke="{COLORS[name]}" stroke-linejoin="round" '
                         f'stroke-width="{2.5 if name == "common" else 1.5}"/>')
            parts += [f'<circle cx="{x.at(point[0]):.1f}" cy="{y.at(point[1]):.1f}" r="2.5" fill="{COLORS[name]}"/>'
                      for point in points[name]]
    return parts


def legend(names, top):
    parts, left = [], 20
    for name in names:
        label = LABELS.get(name, name)
        parts += [f'<rect x="{left}" y="{top - 9}" width="14" height="4" fill="{COLORS[name]}"/>', text(left + 20, top - 3, label, size=11)]
        left += 40 + 7 * len(label)
    return parts


def growth(results):
    kinds = [kind for kind in TITLES if curve_points(results, kind)]
    names = [name for name in NAMES if any(name in curve_points(results, kind) for kind in kinds)]
    parts = [text(20, 28, 'How the cost of one request grows', size=16, weight='600'), *legend(names, 52)]
    for number, kind in enumerate(kinds):
        parts += panel(results, kind, number % 2 * PANEL[0], 66 + number // 2 * PANEL[1])
    return svg(2 * PANEL[0], 66 + (len(kinds) + 1) // 2 * PANEL[1] + 8, parts)


def write(results, folder):
    """Write the charts that have figures."""
    for name, chart, part in ('results', bars, 'speed'), ('growth', growth, 'growth'):
        if any(row['part'] == part for row in results['rows']):
            with open(f'{folder}/{name}.svg', 'w', encoding='utf-8') as file:
                file.write(chart(results))
