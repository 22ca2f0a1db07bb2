const given = new URLSearchParams(location.search);
const host = given.get('host') ?? '';
const live = given.has('live') ? Number(given.get('live')) : true;

$('#revenue').hailwhale({ host, pk: 'shop', metric: 'dollars/hits', dimensions: 'sales', depth: 1, period: '1h:2d', live });
$.hailwhale(host).add_graph('#added', { pk: 'shop', metric: 'dollars', live });
$.hailwhale(host).graph_tables('#tables', { pk: 'shop', metric: 'dollars', dimensions: ['sales'], live });
$('#destroy').on('click', () => $('#revenue').hailwhale('destroy'));
