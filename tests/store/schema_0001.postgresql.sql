-- A store of schema 0001, as version 0.1.0 left it. Frozen: what is in here is out there.
CREATE TABLE public.alembic_version (
    version_num character varying(32) NOT NULL
);
CREATE TABLE public.baseline (
    id text NOT NULL,
    connection text NOT NULL,
    stream text NOT NULL,
    source_id text NOT NULL,
    url text,
    raw_id text NOT NULL,
    gone text,
    gone_since timestamp with time zone,
    state_from timestamp with time zone NOT NULL,
    seen_at timestamp with time zone NOT NULL,
    project_key text DEFAULT ''::text NOT NULL,
    work_package text DEFAULT ''::text NOT NULL,
    updated_at timestamp with time zone,
    attributes text NOT NULL,
    version bigint NOT NULL,
    author text NOT NULL,
    "on" date NOT NULL,
    approval text NOT NULL,
    change_request text NOT NULL
);
CREATE TABLE public.change_request (
    id text NOT NULL,
    connection text NOT NULL,
    stream text NOT NULL,
    source_id text NOT NULL,
    url text,
    raw_id text NOT NULL,
    gone text,
    gone_since timestamp with time zone,
    state_from timestamp with time zone NOT NULL,
    seen_at timestamp with time zone NOT NULL,
    project_key text DEFAULT ''::text NOT NULL,
    work_package text DEFAULT ''::text NOT NULL,
    updated_at timestamp with time zone,
    attributes text NOT NULL,
    number text NOT NULL,
    title text NOT NULL,
    status text NOT NULL,
    approved_by text NOT NULL,
    approved_on date,
    amount text,
    amount_currency text
);
CREATE TABLE public.checkpoint (
    connection text NOT NULL,
    stream text NOT NULL,
    scope text NOT NULL,
    partition text NOT NULL,
    at timestamp with time zone NOT NULL,
    swept_at timestamp with time zone,
    detail text NOT NULL
);
CREATE TABLE public.completeness (
    run text NOT NULL,
    connection text NOT NULL,
    stream text NOT NULL,
    scope text NOT NULL,
    source_count bigint,
    exact boolean NOT NULL,
    stored bigint NOT NULL,
    census_count bigint,
    as_of timestamp with time zone,
    complete boolean NOT NULL,
    note text DEFAULT ''::text NOT NULL,
    recorded timestamp with time zone NOT NULL
);
CREATE TABLE public.connection_state (
    connection text NOT NULL,
    variables text NOT NULL,
    fingerprint text DEFAULT ''::text NOT NULL,
    updated timestamp with time zone NOT NULL
);
CREATE TABLE public.contract (
    id text NOT NULL,
    connection text NOT NULL,
    stream text NOT NULL,
    source_id text NOT NULL,
    url text,
    raw_id text NOT NULL,
    gone text,
    gone_since timestamp with time zone,
    state_from timestamp with time zone NOT NULL,
    seen_at timestamp with time zone NOT NULL,
    project_key text DEFAULT ''::text NOT NULL,
    work_package text DEFAULT ''::text NOT NULL,
    updated_at timestamp with time zone,
    attributes text NOT NULL,
    number text NOT NULL,
    title text NOT NULL,
    vendor text NOT NULL,
    ceiling text,
    ceiling_currency text,
    start date,
    "end" date,
    notice_days bigint,
    renewal text NOT NULL,
    status text NOT NULL,
    owner text NOT NULL
);
CREATE TABLE public.field_change (
    id text NOT NULL,
    connection text NOT NULL,
    stream text NOT NULL,
    source_id text NOT NULL,
    url text,
    raw_id text NOT NULL,
    gone text,
    gone_since timestamp with time zone,
    state_from timestamp with time zone NOT NULL,
    seen_at timestamp with time zone NOT NULL,
    project_key text DEFAULT ''::text NOT NULL,
    work_package text DEFAULT ''::text NOT NULL,
    updated_at timestamp with time zone,
    attributes text NOT NULL,
    item text NOT NULL,
    at timestamp with time zone NOT NULL,
    author text NOT NULL,
    field_name text NOT NULL,
    before text NOT NULL,
    after text NOT NULL
);
CREATE TABLE public.finding_state (
    key text NOT NULL,
    first_seen date NOT NULL,
    last_seen date NOT NULL
);
CREATE TABLE public.fx_rate (
    id text NOT NULL,
    connection text NOT NULL,
    stream text NOT NULL,
    source_id text NOT NULL,
    url text,
    raw_id text NOT NULL,
    gone text,
    gone_since timestamp with time zone,
    state_from timestamp with time zone NOT NULL,
    seen_at timestamp with time zone NOT NULL,
    project_key text DEFAULT ''::text NOT NULL,
    work_package text DEFAULT ''::text NOT NULL,
    updated_at timestamp with time zone,
    attributes text NOT NULL,
    currency text NOT NULL,
    base text NOT NULL,
    rate text NOT NULL,
    "on" date NOT NULL
);
CREATE TABLE public.gate (
    id text NOT NULL,
    connection text NOT NULL,
    stream text NOT NULL,
    source_id text NOT NULL,
    url text,
    raw_id text NOT NULL,
    gone text,
    gone_since timestamp with time zone,
    state_from timestamp with time zone NOT NULL,
    seen_at timestamp with time zone NOT NULL,
    project_key text DEFAULT ''::text NOT NULL,
    work_package text DEFAULT ''::text NOT NULL,
    updated_at timestamp with time zone,
    attributes text NOT NULL,
    stage text NOT NULL,
    approved_by text NOT NULL,
    approved_on date
);
CREATE TABLE public.help_desk_item (
    id text NOT NULL,
    connection text NOT NULL,
    stream text NOT NULL,
    source_id text NOT NULL,
    url text,
    raw_id text NOT NULL,
    gone text,
    gone_since timestamp with time zone,
    state_from timestamp with time zone NOT NULL,
    seen_at timestamp with time zone NOT NULL,
    project_key text DEFAULT ''::text NOT NULL,
    work_package text DEFAULT ''::text NOT NULL,
    updated_at timestamp with time zone,
    attributes text NOT NULL,
    key text NOT NULL,
    title text NOT NULL,
    type text NOT NULL,
    status text NOT NULL,
    source_status text NOT NULL,
    priority text NOT NULL,
    queue text NOT NULL,
    category text NOT NULL,
    requester text NOT NULL,
    assignee text NOT NULL,
    spent_s bigint,
    created_at timestamp with time zone,
    started_at timestamp with time zone,
    resolved_at timestamp with time zone,
    sla text NOT NULL,
    response_due_at timestamp with time zone,
    resolve_due_at timestamp with time zone,
    response_breached boolean,
    resolve_breached boolean,
    reopened bigint,
    links text NOT NULL
);
CREATE TABLE public.invoice_line (
    id text NOT NULL,
    connection text NOT NULL,
    stream text NOT NULL,
    source_id text NOT NULL,
    url text,
    raw_id text NOT NULL,
    gone text,
    gone_since timestamp with time zone,
    state_from timestamp with time zone NOT NULL,
    seen_at timestamp with time zone NOT NULL,
    project_key text DEFAULT ''::text NOT NULL,
    work_package text DEFAULT ''::text NOT NULL,
    updated_at timestamp with time zone,
    attributes text NOT NULL,
    invoice text NOT NULL,
    line text NOT NULL,
    credit_note boolean NOT NULL,
    description text NOT NULL,
    vendor text NOT NULL,
    "order" text NOT NULL,
    order_line text NOT NULL,
    contract text NOT NULL,
    invoiced_on date NOT NULL,
    due date,
    quantity text,
    amount text NOT NULL,
    amount_currency text NOT NULL,
    tax text,
    tax_currency text,
    paid_on date
);
CREATE TABLE public.meta (
    name text NOT NULL,
    value text NOT NULL
);
CREATE TABLE public.milestone (
    id text NOT NULL,
    connection text NOT NULL,
    stream text NOT NULL,
    source_id text NOT NULL,
    url text,
    raw_id text NOT NULL,
    gone text,
    gone_since timestamp with time zone,
    state_from timestamp with time zone NOT NULL,
    seen_at timestamp with time zone NOT NULL,
    project_key text DEFAULT ''::text NOT NULL,
    work_package text DEFAULT ''::text NOT NULL,
    updated_at timestamp with time zone,
    attributes text NOT NULL,
    code text NOT NULL,
    name text NOT NULL,
    planned date,
    actual date,
    weight text
);
CREATE TABLE public.order_line (
    id text NOT NULL,
    connection text NOT NULL,
    stream text NOT NULL,
    source_id text NOT NULL,
    url text,
    raw_id text NOT NULL,
    gone text,
    gone_since timestamp with time zone,
    state_from timestamp with time zone NOT NULL,
    seen_at timestamp with time zone NOT NULL,
    project_key text DEFAULT ''::text NOT NULL,
    work_package text DEFAULT ''::text NOT NULL,
    updated_at timestamp with time zone,
    attributes text NOT NULL,
    "order" text NOT NULL,
    line text NOT NULL,
    description text NOT NULL,
    vendor text NOT NULL,
    contract text NOT NULL,
    ordered_on date,
    quantity text NOT NULL,
    amount text NOT NULL,
    amount_currency text NOT NULL,
    status text NOT NULL
);
CREATE TABLE public.outbox (
    id text NOT NULL,
    connection text NOT NULL,
    project text NOT NULL,
    address text NOT NULL,
    field text NOT NULL,
    mark text NOT NULL,
    state text NOT NULL,
    written text,
    standing text,
    pending text,
    remote_id text,
    attempts bigint NOT NULL,
    message text DEFAULT ''::text NOT NULL,
    updated_at timestamp with time zone
);
CREATE TABLE public.payment (
    id text NOT NULL,
    connection text NOT NULL,
    stream text NOT NULL,
    source_id text NOT NULL,
    url text,
    raw_id text NOT NULL,
    gone text,
    gone_since timestamp with time zone,
    state_from timestamp with time zone NOT NULL,
    seen_at timestamp with time zone NOT NULL,
    project_key text DEFAULT ''::text NOT NULL,
    work_package text DEFAULT ''::text NOT NULL,
    updated_at timestamp with time zone,
    attributes text NOT NULL,
    invoice text NOT NULL,
    vendor text NOT NULL,
    amount text NOT NULL,
    amount_currency text NOT NULL,
    paid_on date NOT NULL
);
CREATE TABLE public.person (
    id text NOT NULL,
    connection text NOT NULL,
    stream text NOT NULL,
    source_id text NOT NULL,
    url text,
    raw_id text NOT NULL,
    gone text,
    gone_since timestamp with time zone,
    state_from timestamp with time zone NOT NULL,
    seen_at timestamp with time zone NOT NULL,
    project_key text DEFAULT ''::text NOT NULL,
    work_package text DEFAULT ''::text NOT NULL,
    updated_at timestamp with time zone,
    attributes text NOT NULL,
    name text NOT NULL,
    email text NOT NULL,
    team text NOT NULL,
    role text NOT NULL,
    active boolean NOT NULL,
    skills text NOT NULL
);
CREATE TABLE public.plan_baseline (
    project text NOT NULL,
    version bigint NOT NULL,
    "on" date NOT NULL,
    author text DEFAULT ''::text NOT NULL,
    approval text DEFAULT ''::text NOT NULL,
    change_request text DEFAULT ''::text NOT NULL,
    created timestamp with time zone NOT NULL
);
CREATE TABLE public.plan_baseline_line (
    project text NOT NULL,
    version bigint NOT NULL,
    "position" bigint NOT NULL,
    section text NOT NULL,
    data text NOT NULL
);
CREATE TABLE public.project (
    id text NOT NULL,
    connection text NOT NULL,
    stream text NOT NULL,
    source_id text NOT NULL,
    url text,
    raw_id text NOT NULL,
    gone text,
    gone_since timestamp with time zone,
    state_from timestamp with time zone NOT NULL,
    seen_at timestamp with time zone NOT NULL,
    project_key text DEFAULT ''::text NOT NULL,
    work_package text DEFAULT ''::text NOT NULL,
    updated_at timestamp with time zone,
    attributes text NOT NULL,
    code text NOT NULL,
    name text NOT NULL,
    stage text NOT NULL,
    manager text NOT NULL,
    sponsor text NOT NULL,
    currency text NOT NULL,
    planned_start date,
    planned_finish date,
    actual_finish date,
    planned_cost text,
    planned_cost_currency text,
    actual_cost text,
    actual_cost_currency text,
    declared_rating text NOT NULL
);
CREATE TABLE public.rate (
    id text NOT NULL,
    connection text NOT NULL,
    stream text NOT NULL,
    source_id text NOT NULL,
    url text,
    raw_id text NOT NULL,
    gone text,
    gone_since timestamp with time zone,
    state_from timestamp with time zone NOT NULL,
    seen_at timestamp with time zone NOT NULL,
    project_key text DEFAULT ''::text NOT NULL,
    work_package text DEFAULT ''::text NOT NULL,
    updated_at timestamp with time zone,
    attributes text NOT NULL,
    of text NOT NULL,
    per_hour text NOT NULL,
    per_hour_currency text NOT NULL,
    valid_from date,
    valid_to date
);
CREATE TABLE public.raw_record (
    id text NOT NULL,
    connection text NOT NULL,
    stream text NOT NULL,
    source_id text NOT NULL,
    scope text DEFAULT ''::text NOT NULL,
    updated_at timestamp with time zone,
    seen_at timestamp with time zone NOT NULL,
    run text NOT NULL,
    absent text,
    absent_since timestamp with time zone,
    merged_into text,
    hash bytea NOT NULL,
    fingerprint text NOT NULL,
    kinds text NOT NULL,
    url text,
    body bytea NOT NULL
);
CREATE TABLE public.receipt (
    id text NOT NULL,
    connection text NOT NULL,
    stream text NOT NULL,
    source_id text NOT NULL,
    url text,
    raw_id text NOT NULL,
    gone text,
    gone_since timestamp with time zone,
    state_from timestamp with time zone NOT NULL,
    seen_at timestamp with time zone NOT NULL,
    project_key text DEFAULT ''::text NOT NULL,
    work_package text DEFAULT ''::text NOT NULL,
    updated_at timestamp with time zone,
    attributes text NOT NULL,
    "order" text NOT NULL,
    line text NOT NULL,
    quantity text NOT NULL,
    received_on date NOT NULL
);
CREATE TABLE public.record_version (
    seq bigint NOT NULL,
    kind text NOT NULL,
    id text NOT NULL,
    state_from timestamp with time zone NOT NULL,
    seen_at timestamp with time zone NOT NULL,
    replaced_at timestamp with time zone NOT NULL,
    run text NOT NULL,
    data text NOT NULL
);
CREATE SEQUENCE public.record_version_seq_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.record_version_seq_seq OWNED BY public.record_version.seq;
CREATE TABLE public.rejected (
    connection text NOT NULL,
    stream text NOT NULL,
    source_id text NOT NULL,
    place text NOT NULL,
    field text NOT NULL,
    message text DEFAULT ''::text NOT NULL,
    run text NOT NULL,
    first_seen timestamp with time zone NOT NULL
);
CREATE TABLE public.risk (
    id text NOT NULL,
    connection text NOT NULL,
    stream text NOT NULL,
    source_id text NOT NULL,
    url text,
    raw_id text NOT NULL,
    gone text,
    gone_since timestamp with time zone,
    state_from timestamp with time zone NOT NULL,
    seen_at timestamp with time zone NOT NULL,
    project_key text DEFAULT ''::text NOT NULL,
    work_package text DEFAULT ''::text NOT NULL,
    updated_at timestamp with time zone,
    attributes text NOT NULL,
    code text NOT NULL,
    title text NOT NULL,
    probability text,
    impact text,
    impact_currency text,
    status text NOT NULL,
    owner text NOT NULL,
    response text NOT NULL,
    due date
);
CREATE TABLE public.run (
    id text NOT NULL,
    job text DEFAULT ''::text NOT NULL,
    started timestamp with time zone NOT NULL,
    finished timestamp with time zone,
    state text NOT NULL,
    counts text NOT NULL,
    message text DEFAULT ''::text NOT NULL
);
CREATE TABLE public.sighting (
    id text NOT NULL,
    connection text NOT NULL,
    stream text NOT NULL,
    source_id text NOT NULL,
    scope text NOT NULL
);
CREATE TABLE public.snapshot (
    seq bigint NOT NULL,
    data_date date NOT NULL,
    created timestamp with time zone NOT NULL,
    run text NOT NULL,
    hash bytea NOT NULL,
    body bytea NOT NULL
);
CREATE SEQUENCE public.snapshot_seq_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.snapshot_seq_seq OWNED BY public.snapshot.seq;
CREATE TABLE public.sprint (
    id text NOT NULL,
    connection text NOT NULL,
    stream text NOT NULL,
    source_id text NOT NULL,
    url text,
    raw_id text NOT NULL,
    gone text,
    gone_since timestamp with time zone,
    state_from timestamp with time zone NOT NULL,
    seen_at timestamp with time zone NOT NULL,
    project_key text DEFAULT ''::text NOT NULL,
    work_package text DEFAULT ''::text NOT NULL,
    updated_at timestamp with time zone,
    attributes text NOT NULL,
    name text NOT NULL,
    state text NOT NULL,
    start timestamp with time zone,
    finish timestamp with time zone
);
CREATE TABLE public.team (
    id text NOT NULL,
    connection text NOT NULL,
    stream text NOT NULL,
    source_id text NOT NULL,
    url text,
    raw_id text NOT NULL,
    gone text,
    gone_since timestamp with time zone,
    state_from timestamp with time zone NOT NULL,
    seen_at timestamp with time zone NOT NULL,
    project_key text DEFAULT ''::text NOT NULL,
    work_package text DEFAULT ''::text NOT NULL,
    updated_at timestamp with time zone,
    attributes text NOT NULL,
    name text NOT NULL,
    discipline text NOT NULL
);
CREATE TABLE public.time_entry (
    id text NOT NULL,
    connection text NOT NULL,
    stream text NOT NULL,
    source_id text NOT NULL,
    url text,
    raw_id text NOT NULL,
    gone text,
    gone_since timestamp with time zone,
    state_from timestamp with time zone NOT NULL,
    seen_at timestamp with time zone NOT NULL,
    project_key text DEFAULT ''::text NOT NULL,
    work_package text DEFAULT ''::text NOT NULL,
    updated_at timestamp with time zone,
    attributes text NOT NULL,
    item text NOT NULL,
    person text NOT NULL,
    role text NOT NULL,
    team text NOT NULL,
    "on" date NOT NULL,
    started_at timestamp with time zone,
    duration_s bigint NOT NULL,
    note text NOT NULL
);
CREATE TABLE public.work_item (
    id text NOT NULL,
    connection text NOT NULL,
    stream text NOT NULL,
    source_id text NOT NULL,
    url text,
    raw_id text NOT NULL,
    gone text,
    gone_since timestamp with time zone,
    state_from timestamp with time zone NOT NULL,
    seen_at timestamp with time zone NOT NULL,
    project_key text DEFAULT ''::text NOT NULL,
    work_package text DEFAULT ''::text NOT NULL,
    updated_at timestamp with time zone,
    attributes text NOT NULL,
    key text NOT NULL,
    title text NOT NULL,
    type text NOT NULL,
    source_type text NOT NULL,
    status text NOT NULL,
    source_status text NOT NULL,
    resolution text NOT NULL,
    priority text NOT NULL,
    points text,
    estimate_s bigint,
    spent_s bigint,
    remaining_s bigint,
    assignee text NOT NULL,
    reporter text NOT NULL,
    parent text NOT NULL,
    epic text NOT NULL,
    components text NOT NULL,
    labels text NOT NULL,
    versions text NOT NULL,
    sprints text NOT NULL,
    links text NOT NULL,
    created_at timestamp with time zone,
    resolved_at timestamp with time zone,
    due date
);
CREATE TABLE public.work_package (
    id text NOT NULL,
    connection text NOT NULL,
    stream text NOT NULL,
    source_id text NOT NULL,
    url text,
    raw_id text NOT NULL,
    gone text,
    gone_since timestamp with time zone,
    state_from timestamp with time zone NOT NULL,
    seen_at timestamp with time zone NOT NULL,
    project_key text DEFAULT ''::text NOT NULL,
    work_package text DEFAULT ''::text NOT NULL,
    updated_at timestamp with time zone,
    attributes text NOT NULL,
    code text NOT NULL,
    name text NOT NULL,
    parent text NOT NULL,
    team text NOT NULL,
    planned_start date,
    planned_finish date,
    actual_start date,
    actual_finish date,
    budget text,
    budget_currency text,
    planned_effort_s bigint,
    method text NOT NULL,
    percent_complete text,
    depends_on text NOT NULL
);
ALTER TABLE ONLY public.record_version ALTER COLUMN seq SET DEFAULT nextval('public.record_version_seq_seq'::regclass);
ALTER TABLE ONLY public.snapshot ALTER COLUMN seq SET DEFAULT nextval('public.snapshot_seq_seq'::regclass);
INSERT INTO public.alembic_version VALUES ('0001');
INSERT INTO public.checkpoint VALUES ('memory', 'item', 'A', '', '2026-03-02 12:00:00+00', '2026-03-02 12:00:00+00', '{"unreadable":["9"]}');
INSERT INTO public.completeness VALUES ('20260302T120000-07947d', 'memory', 'item', 'A', 2, true, 2, 2, '2026-03-02 12:00:00+00', true, '', '2026-03-02 12:00:00+00');
INSERT INTO public.connection_state VALUES ('memory', '{"points":"customfield_10016"}', '723874676c037600', '2026-03-02 12:00:00+00');
INSERT INTO public.finding_state VALUES ('over-budget NET', '2026-03-01', '2026-03-01');
INSERT INTO public.meta VALUES ('instance', '0123456789abcdef0123456789abcdef');
INSERT INTO public.outbox VALUES ('memory:NET-1:comment:NET', 'memory', 'NET', 'NET-1', 'comment', 'itpm-0001', 'done', 'green', NULL, NULL, '77', 1, '', '2026-03-02 12:00:00+00');
INSERT INTO public.plan_baseline VALUES ('NET', 1, '2026-03-01', 'Ada', 'Board, 2026-03-01', '', '2026-03-02 12:00:00+00');
INSERT INTO public.plan_baseline_line VALUES ('NET', 1, 0, 'package', '{"budget":"1000.00","code":"1.1"}');
INSERT INTO public.raw_record VALUES ('memory:item:2', 'memory', 'item', '2', 'A', '2026-03-02 10:00:00+00', '2026-03-02 12:00:00+00', '20260302T120000-07947d', NULL, NULL, NULL, '\x37d18c8c7f162a33f9553f7e7af8ce7d', '723874676c037600', 'work_item', 'https://source.example/2', '\x28b52ffd20463102007b226964223a2232222c227469746c65223a22536368616c7465722066c3bc72204772c3b6c39f65203520e28093202771756f746564273b202d2d20e282ac20f09f9982227d');
INSERT INTO public.raw_record VALUES ('memory:item:1', 'memory', 'item', '1', 'A', '2026-03-02 12:30:00+00', '2026-03-02 13:00:00+00', '20260302T120000-07947d', NULL, NULL, NULL, '\x64e2be5822372879149abef5476d935c', '723874676c037600', 'time_entry work_item', 'https://source.example/1', '\x28b52ffd203ef101007b226964223a2231222c227469746c65223a22436f726520726f75746572222c22776f726b223a5b7b226964223a227731222c2273223a373230307d5d7d');
INSERT INTO public.raw_record VALUES ('memory:item:3', 'memory', 'item', '3', 'A', '2026-03-02 11:00:00+00', '2026-03-02 12:00:00+00', '20260302T120000-07947d', 'deleted', '2026-03-02 13:00:00+00', NULL, '\x641bff5b396f692c905c8ddb9695e9aa', '723874676c037600', 'work_item', 'https://source.example/3', '\x28b52ffd201ef100007b226964223a2233222c227469746c65223a22476f6e6520736f6f6e227d');
INSERT INTO public.record_version VALUES (1, 'work_item', 'memory:item:1', '2026-03-02 09:00:00+00', '2026-03-02 12:00:00+00', '2026-03-02 12:30:00+00', '20260302T120000-07947d', '{"assignee":"","attributes":{},"components":[],"created_at":null,"due":null,"epic":"","estimate_s":null,"key":"1","labels":[],"links":[],"parent":"","points":null,"priority":"","project_key":"","ref":["memory","item","1","https://source.example/1"],"remaining_s":null,"reporter":"","resolution":"","resolved_at":null,"source_status":"","source_type":"","spent_s":null,"sprints":[],"status":"todo","title":"Router","type":"other","updated_at":null,"versions":[],"work_package":""}');
INSERT INTO public.record_version VALUES (2, 'time_entry', 'memory:item.time_entry:1/w1', '2026-03-02 09:00:00+00', '2026-03-02 12:00:00+00', '2026-03-02 12:30:00+00', '20260302T120000-07947d', '{"attributes":{},"duration_s":3600,"item":"memory:item:1","note":"","on":"2026-01-01","person":"Ann","project_key":"","ref":["memory","item.time_entry","1/w1","https://source.example/1"],"role":"","started_at":null,"team":"","updated_at":null,"work_package":""}');
INSERT INTO public.run VALUES ('20260302T120000-07947d', 'weekly', '2026-03-02 12:00:00+00', '2026-03-02 12:01:00+00', 'ok', '{"connections":{"memory":{"state":"ok"}}}', 'two');
INSERT INTO public.sighting VALUES ('memory:item:1', 'memory', 'item', '1', 'A');
INSERT INTO public.sighting VALUES ('memory:item:2', 'memory', 'item', '2', 'A');
INSERT INTO public.snapshot VALUES (1, '2026-03-01', '2026-03-02 12:00:00+00', '20260302T120000-07947d', '\x5d01040a245038c4f5ae99628b6a259c', '\x28b52ffd2015a900007b227469746c65223a2250726f6772616d6d65227d');
INSERT INTO public.time_entry VALUES ('memory:item.time_entry:1/w1', 'memory', 'item.time_entry', '1/w1', 'https://source.example/1', 'memory:item:1', NULL, NULL, '2026-03-02 12:30:00+00', '2026-03-02 13:00:00+00', '', '', NULL, '{}', 'memory:item:1', 'Ann', '', '', '2026-01-01', NULL, 7200, '');
INSERT INTO public.work_item VALUES ('memory:item:2', 'memory', 'item', '2', 'https://source.example/2', 'memory:item:2', NULL, NULL, '2026-03-02 10:00:00+00', '2026-03-02 12:00:00+00', '', '', NULL, '{}', '2', 'Schalter für Größe 5 – ''quoted''; -- € 🙂', 'other', '', 'todo', '', '', '', NULL, NULL, NULL, NULL, '', '', '', '', '[]', '[]', '[]', '[]', '[]', NULL, NULL, NULL);
INSERT INTO public.work_item VALUES ('memory:item:1', 'memory', 'item', '1', 'https://source.example/1', 'memory:item:1', NULL, NULL, '2026-03-02 12:30:00+00', '2026-03-02 13:00:00+00', '', '', NULL, '{}', '1', 'Core router', 'other', '', 'todo', '', '', '', NULL, NULL, NULL, NULL, '', '', '', '', '[]', '[]', '[]', '[]', '[]', NULL, NULL, NULL);
INSERT INTO public.work_item VALUES ('memory:item:3', 'memory', 'item', '3', 'https://source.example/3', 'memory:item:3', 'deleted', '2026-03-02 13:00:00+00', '2026-03-02 11:00:00+00', '2026-03-02 12:00:00+00', '', '', NULL, '{}', '3', 'Gone soon', 'other', '', 'todo', '', '', '', NULL, NULL, NULL, NULL, '', '', '', '', '[]', '[]', '[]', '[]', '[]', NULL, NULL, NULL);
SELECT pg_catalog.setval('public.record_version_seq_seq', 2, true);
SELECT pg_catalog.setval('public.snapshot_seq_seq', 1, true);
ALTER TABLE ONLY public.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);
ALTER TABLE ONLY public.baseline
    ADD CONSTRAINT pk_baseline PRIMARY KEY (id);
ALTER TABLE ONLY public.change_request
    ADD CONSTRAINT pk_change_request PRIMARY KEY (id);
ALTER TABLE ONLY public.checkpoint
    ADD CONSTRAINT pk_checkpoint PRIMARY KEY (connection, stream, scope, partition);
ALTER TABLE ONLY public.completeness
    ADD CONSTRAINT pk_completeness PRIMARY KEY (run, connection, stream, scope);
ALTER TABLE ONLY public.connection_state
    ADD CONSTRAINT pk_connection_state PRIMARY KEY (connection);
ALTER TABLE ONLY public.contract
    ADD CONSTRAINT pk_contract PRIMARY KEY (id);
ALTER TABLE ONLY public.field_change
    ADD CONSTRAINT pk_field_change PRIMARY KEY (id);
ALTER TABLE ONLY public.finding_state
    ADD CONSTRAINT pk_finding_state PRIMARY KEY (key);
ALTER TABLE ONLY public.fx_rate
    ADD CONSTRAINT pk_fx_rate PRIMARY KEY (id);
ALTER TABLE ONLY public.gate
    ADD CONSTRAINT pk_gate PRIMARY KEY (id);
ALTER TABLE ONLY public.help_desk_item
    ADD CONSTRAINT pk_help_desk_item PRIMARY KEY (id);
ALTER TABLE ONLY public.invoice_line
    ADD CONSTRAINT pk_invoice_line PRIMARY KEY (id);
ALTER TABLE ONLY public.meta
    ADD CONSTRAINT pk_meta PRIMARY KEY (name);
ALTER TABLE ONLY public.milestone
    ADD CONSTRAINT pk_milestone PRIMARY KEY (id);
ALTER TABLE ONLY public.order_line
    ADD CONSTRAINT pk_order_line PRIMARY KEY (id);
ALTER TABLE ONLY public.outbox
    ADD CONSTRAINT pk_outbox PRIMARY KEY (id);
ALTER TABLE ONLY public.payment
    ADD CONSTRAINT pk_payment PRIMARY KEY (id);
ALTER TABLE ONLY public.person
    ADD CONSTRAINT pk_person PRIMARY KEY (id);
ALTER TABLE ONLY public.plan_baseline
    ADD CONSTRAINT pk_plan_baseline PRIMARY KEY (project, version);
ALTER TABLE ONLY public.plan_baseline_line
    ADD CONSTRAINT pk_plan_baseline_line PRIMARY KEY (project, version, "position");
ALTER TABLE ONLY public.project
    ADD CONSTRAINT pk_project PRIMARY KEY (id);
ALTER TABLE ONLY public.rate
    ADD CONSTRAINT pk_rate PRIMARY KEY (id);
ALTER TABLE ONLY public.raw_record
    ADD CONSTRAINT pk_raw_record PRIMARY KEY (id);
ALTER TABLE ONLY public.receipt
    ADD CONSTRAINT pk_receipt PRIMARY KEY (id);
ALTER TABLE ONLY public.record_version
    ADD CONSTRAINT pk_record_version PRIMARY KEY (seq);
ALTER TABLE ONLY public.rejected
    ADD CONSTRAINT pk_rejected PRIMARY KEY (connection, stream, source_id, place, field);
ALTER TABLE ONLY public.risk
    ADD CONSTRAINT pk_risk PRIMARY KEY (id);
ALTER TABLE ONLY public.run
    ADD CONSTRAINT pk_run PRIMARY KEY (id);
ALTER TABLE ONLY public.sighting
    ADD CONSTRAINT pk_sighting PRIMARY KEY (id);
ALTER TABLE ONLY public.snapshot
    ADD CONSTRAINT pk_snapshot PRIMARY KEY (seq);
ALTER TABLE ONLY public.sprint
    ADD CONSTRAINT pk_sprint PRIMARY KEY (id);
ALTER TABLE ONLY public.team
    ADD CONSTRAINT pk_team PRIMARY KEY (id);
ALTER TABLE ONLY public.time_entry
    ADD CONSTRAINT pk_time_entry PRIMARY KEY (id);
ALTER TABLE ONLY public.work_item
    ADD CONSTRAINT pk_work_item PRIMARY KEY (id);
ALTER TABLE ONLY public.work_package
    ADD CONSTRAINT pk_work_package PRIMARY KEY (id);
CREATE INDEX ix_baseline_raw_id ON public.baseline USING btree (raw_id);
CREATE INDEX ix_change_request_raw_id ON public.change_request USING btree (raw_id);
CREATE INDEX ix_completeness_connection_recorded ON public.completeness USING btree (connection, recorded);
CREATE INDEX ix_contract_raw_id ON public.contract USING btree (raw_id);
CREATE INDEX ix_field_change_raw_id ON public.field_change USING btree (raw_id);
CREATE INDEX ix_fx_rate_raw_id ON public.fx_rate USING btree (raw_id);
CREATE INDEX ix_gate_raw_id ON public.gate USING btree (raw_id);
CREATE INDEX ix_help_desk_item_raw_id ON public.help_desk_item USING btree (raw_id);
CREATE INDEX ix_invoice_line_raw_id ON public.invoice_line USING btree (raw_id);
CREATE INDEX ix_milestone_raw_id ON public.milestone USING btree (raw_id);
CREATE INDEX ix_order_line_raw_id ON public.order_line USING btree (raw_id);
CREATE INDEX ix_payment_raw_id ON public.payment USING btree (raw_id);
CREATE INDEX ix_person_raw_id ON public.person USING btree (raw_id);
CREATE INDEX ix_project_raw_id ON public.project USING btree (raw_id);
CREATE INDEX ix_rate_raw_id ON public.rate USING btree (raw_id);
CREATE INDEX ix_raw_record_connection_stream_scope_absent ON public.raw_record USING btree (connection, stream, scope, absent);
CREATE INDEX ix_receipt_raw_id ON public.receipt USING btree (raw_id);
CREATE INDEX ix_record_version_id_kind_state_from ON public.record_version USING btree (id, kind, state_from);
CREATE INDEX ix_risk_raw_id ON public.risk USING btree (raw_id);
CREATE INDEX ix_run_started ON public.run USING btree (started);
CREATE INDEX ix_sighting_connection_stream ON public.sighting USING btree (connection, stream);
CREATE INDEX ix_snapshot_data_date_seq ON public.snapshot USING btree (data_date, seq);
CREATE INDEX ix_sprint_raw_id ON public.sprint USING btree (raw_id);
CREATE INDEX ix_team_raw_id ON public.team USING btree (raw_id);
CREATE INDEX ix_time_entry_raw_id ON public.time_entry USING btree (raw_id);
CREATE INDEX ix_work_item_raw_id ON public.work_item USING btree (raw_id);
CREATE INDEX ix_work_package_raw_id ON public.work_package USING btree (raw_id);
ALTER TABLE ONLY public.plan_baseline_line
    ADD CONSTRAINT fk_plan_baseline_line_plan_baseline FOREIGN KEY (project, version) REFERENCES public.plan_baseline(project, version);
