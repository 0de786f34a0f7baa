-- A store of schema 0001, as version 0.1.0 left it. Frozen: what is in here is out there.
BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0001');
CREATE TABLE baseline (
	id TEXT NOT NULL, 
	connection TEXT NOT NULL, 
	stream TEXT NOT NULL, 
	source_id TEXT NOT NULL, 
	url TEXT, 
	raw_id TEXT NOT NULL, 
	gone TEXT, 
	gone_since DATETIME, 
	state_from DATETIME NOT NULL, 
	seen_at DATETIME NOT NULL, 
	project_key TEXT DEFAULT '' NOT NULL, 
	work_package TEXT DEFAULT '' NOT NULL, 
	updated_at DATETIME, 
	attributes TEXT NOT NULL, 
	version BIGINT NOT NULL, 
	author TEXT NOT NULL, 
	"on" DATE NOT NULL, 
	approval TEXT NOT NULL, 
	change_request TEXT NOT NULL, 
	CONSTRAINT pk_baseline PRIMARY KEY (id)
)
 WITHOUT ROWID

;
CREATE TABLE change_request (
	id TEXT NOT NULL, 
	connection TEXT NOT NULL, 
	stream TEXT NOT NULL, 
	source_id TEXT NOT NULL, 
	url TEXT, 
	raw_id TEXT NOT NULL, 
	gone TEXT, 
	gone_since DATETIME, 
	state_from DATETIME NOT NULL, 
	seen_at DATETIME NOT NULL, 
	project_key TEXT DEFAULT '' NOT NULL, 
	work_package TEXT DEFAULT '' NOT NULL, 
	updated_at DATETIME, 
	attributes TEXT NOT NULL, 
	number TEXT NOT NULL, 
	title TEXT NOT NULL, 
	status TEXT NOT NULL, 
	approved_by TEXT NOT NULL, 
	approved_on DATE, 
	amount TEXT, 
	amount_currency TEXT, 
	CONSTRAINT pk_change_request PRIMARY KEY (id)
)
 WITHOUT ROWID

;
CREATE TABLE checkpoint (
	connection TEXT NOT NULL, 
	stream TEXT NOT NULL, 
	scope TEXT NOT NULL, 
	partition TEXT NOT NULL, 
	at DATETIME NOT NULL, 
	swept_at DATETIME, 
	detail TEXT NOT NULL, 
	CONSTRAINT pk_checkpoint PRIMARY KEY (connection, stream, scope, partition)
);
INSERT INTO "checkpoint" VALUES('memory','item','A','','2026-03-02 12:00:00.000000','2026-03-02 12:00:00.000000','{"unreadable":["9"]}');
CREATE TABLE completeness (
	run TEXT NOT NULL, 
	connection TEXT NOT NULL, 
	stream TEXT NOT NULL, 
	scope TEXT NOT NULL, 
	source_count BIGINT, 
	exact BOOLEAN NOT NULL, 
	stored BIGINT NOT NULL, 
	census_count BIGINT, 
	as_of DATETIME, 
	complete BOOLEAN NOT NULL, 
	note TEXT DEFAULT '' NOT NULL, 
	recorded DATETIME NOT NULL, 
	CONSTRAINT pk_completeness PRIMARY KEY (run, connection, stream, scope)
);
INSERT INTO "completeness" VALUES('20260302T120000-bb553a','memory','item','A',2,1,2,2,'2026-03-02 12:00:00.000000',1,'','2026-03-02 12:00:00.000000');
CREATE TABLE connection_state (
	connection TEXT NOT NULL, 
	variables TEXT NOT NULL, 
	fingerprint TEXT DEFAULT '' NOT NULL, 
	updated DATETIME NOT NULL, 
	CONSTRAINT pk_connection_state PRIMARY KEY (connection)
);
INSERT INTO "connection_state" VALUES('memory','{"points":"customfield_10016"}','723874676c037600','2026-03-02 12:00:00.000000');
CREATE TABLE contract (
	id TEXT NOT NULL, 
	connection TEXT NOT NULL, 
	stream TEXT NOT NULL, 
	source_id TEXT NOT NULL, 
	url TEXT, 
	raw_id TEXT NOT NULL, 
	gone TEXT, 
	gone_since DATETIME, 
	state_from DATETIME NOT NULL, 
	seen_at DATETIME NOT NULL, 
	project_key TEXT DEFAULT '' NOT NULL, 
	work_package TEXT DEFAULT '' NOT NULL, 
	updated_at DATETIME, 
	attributes TEXT NOT NULL, 
	number TEXT NOT NULL, 
	title TEXT NOT NULL, 
	vendor TEXT NOT NULL, 
	ceiling TEXT, 
	ceiling_currency TEXT, 
	start DATE, 
	"end" DATE, 
	notice_days BIGINT, 
	renewal TEXT NOT NULL, 
	status TEXT NOT NULL, 
	owner TEXT NOT NULL, 
	CONSTRAINT pk_contract PRIMARY KEY (id)
)
 WITHOUT ROWID

;
CREATE TABLE field_change (
	id TEXT NOT NULL, 
	connection TEXT NOT NULL, 
	stream TEXT NOT NULL, 
	source_id TEXT NOT NULL, 
	url TEXT, 
	raw_id TEXT NOT NULL, 
	gone TEXT, 
	gone_since DATETIME, 
	state_from DATETIME NOT NULL, 
	seen_at DATETIME NOT NULL, 
	project_key TEXT DEFAULT '' NOT NULL, 
	work_package TEXT DEFAULT '' NOT NULL, 
	updated_at DATETIME, 
	attributes TEXT NOT NULL, 
	item TEXT NOT NULL, 
	at DATETIME NOT NULL, 
	author TEXT NOT NULL, 
	field_name TEXT NOT NULL, 
	"before" TEXT NOT NULL, 
	"after" TEXT NOT NULL, 
	CONSTRAINT pk_field_change PRIMARY KEY (id)
)
 WITHOUT ROWID

;
CREATE TABLE finding_state (
	"key" TEXT NOT NULL, 
	first_seen DATE NOT NULL, 
	last_seen DATE NOT NULL, 
	CONSTRAINT pk_finding_state PRIMARY KEY ("key")
);
INSERT INTO "finding_state" VALUES('over-budget NET','2026-03-01','2026-03-01');
CREATE TABLE fx_rate (
	id TEXT NOT NULL, 
	connection TEXT NOT NULL, 
	stream TEXT NOT NULL, 
	source_id TEXT NOT NULL, 
	url TEXT, 
	raw_id TEXT NOT NULL, 
	gone TEXT, 
	gone_since DATETIME, 
	state_from DATETIME NOT NULL, 
	seen_at DATETIME NOT NULL, 
	project_key TEXT DEFAULT '' NOT NULL, 
	work_package TEXT DEFAULT '' NOT NULL, 
	updated_at DATETIME, 
	attributes TEXT NOT NULL, 
	currency TEXT NOT NULL, 
	base TEXT NOT NULL, 
	rate TEXT NOT NULL, 
	"on" DATE NOT NULL, 
	CONSTRAINT pk_fx_rate PRIMARY KEY (id)
)
 WITHOUT ROWID

;
CREATE TABLE gate (
	id TEXT NOT NULL, 
	connection TEXT NOT NULL, 
	stream TEXT NOT NULL, 
	source_id TEXT NOT NULL, 
	url TEXT, 
	raw_id TEXT NOT NULL, 
	gone TEXT, 
	gone_since DATETIME, 
	state_from DATETIME NOT NULL, 
	seen_at DATETIME NOT NULL, 
	project_key TEXT DEFAULT '' NOT NULL, 
	work_package TEXT DEFAULT '' NOT NULL, 
	updated_at DATETIME, 
	attributes TEXT NOT NULL, 
	stage TEXT NOT NULL, 
	approved_by TEXT NOT NULL, 
	approved_on DATE, 
	CONSTRAINT pk_gate PRIMARY KEY (id)
)
 WITHOUT ROWID

;
CREATE TABLE help_desk_item (
	id TEXT NOT NULL, 
	connection TEXT NOT NULL, 
	stream TEXT NOT NULL, 
	source_id TEXT NOT NULL, 
	url TEXT, 
	raw_id TEXT NOT NULL, 
	gone TEXT, 
	gone_since DATETIME, 
	state_from DATETIME NOT NULL, 
	seen_at DATETIME NOT NULL, 
	project_key TEXT DEFAULT '' NOT NULL, 
	work_package TEXT DEFAULT '' NOT NULL, 
	updated_at DATETIME, 
	attributes TEXT NOT NULL, 
	"key" TEXT NOT NULL, 
	title TEXT NOT NULL, 
	type TEXT NOT NULL, 
	status TEXT NOT NULL, 
	source_status TEXT NOT NULL, 
	priority TEXT NOT NULL, 
	queue TEXT NOT NULL, 
	category TEXT NOT NULL, 
	requester TEXT NOT NULL, 
	assignee TEXT NOT NULL, 
	spent_s BIGINT, 
	created_at DATETIME, 
	started_at DATETIME, 
	resolved_at DATETIME, 
	sla TEXT NOT NULL, 
	response_due_at DATETIME, 
	resolve_due_at DATETIME, 
	response_breached BOOLEAN, 
	resolve_breached BOOLEAN, 
	reopened BIGINT, 
	links TEXT NOT NULL, 
	CONSTRAINT pk_help_desk_item PRIMARY KEY (id)
)
 WITHOUT ROWID

;
CREATE TABLE invoice_line (
	id TEXT NOT NULL, 
	connection TEXT NOT NULL, 
	stream TEXT NOT NULL, 
	source_id TEXT NOT NULL, 
	url TEXT, 
	raw_id TEXT NOT NULL, 
	gone TEXT, 
	gone_since DATETIME, 
	state_from DATETIME NOT NULL, 
	seen_at DATETIME NOT NULL, 
	project_key TEXT DEFAULT '' NOT NULL, 
	work_package TEXT DEFAULT '' NOT NULL, 
	updated_at DATETIME, 
	attributes TEXT NOT NULL, 
	invoice TEXT NOT NULL, 
	line TEXT NOT NULL, 
	credit_note BOOLEAN NOT NULL, 
	description TEXT NOT NULL, 
	vendor TEXT NOT NULL, 
	"order" TEXT NOT NULL, 
	order_line TEXT NOT NULL, 
	contract TEXT NOT NULL, 
	invoiced_on DATE NOT NULL, 
	due DATE, 
	quantity TEXT, 
	amount TEXT NOT NULL, 
	amount_currency TEXT NOT NULL, 
	tax TEXT, 
	tax_currency TEXT, 
	paid_on DATE, 
	CONSTRAINT pk_invoice_line PRIMARY KEY (id)
)
 WITHOUT ROWID

;
CREATE TABLE meta (
	name TEXT NOT NULL, 
	value TEXT NOT NULL, 
	CONSTRAINT pk_meta PRIMARY KEY (name)
);
INSERT INTO "meta" VALUES('instance','0123456789abcdef0123456789abcdef');
CREATE TABLE milestone (
	id TEXT NOT NULL, 
	connection TEXT NOT NULL, 
	stream TEXT NOT NULL, 
	source_id TEXT NOT NULL, 
	url TEXT, 
	raw_id TEXT NOT NULL, 
	gone TEXT, 
	gone_since DATETIME, 
	state_from DATETIME NOT NULL, 
	seen_at DATETIME NOT NULL, 
	project_key TEXT DEFAULT '' NOT NULL, 
	work_package TEXT DEFAULT '' NOT NULL, 
	updated_at DATETIME, 
	attributes TEXT NOT NULL, 
	code TEXT NOT NULL, 
	name TEXT NOT NULL, 
	planned DATE, 
	actual DATE, 
	weight TEXT, 
	CONSTRAINT pk_milestone PRIMARY KEY (id)
)
 WITHOUT ROWID

;
CREATE TABLE order_line (
	id TEXT NOT NULL, 
	connection TEXT NOT NULL, 
	stream TEXT NOT NULL, 
	source_id TEXT NOT NULL, 
	url TEXT, 
	raw_id TEXT NOT NULL, 
	gone TEXT, 
	gone_since DATETIME, 
	state_from DATETIME NOT NULL, 
	seen_at DATETIME NOT NULL, 
	project_key TEXT DEFAULT '' NOT NULL, 
	work_package TEXT DEFAULT '' NOT NULL, 
	updated_at DATETIME, 
	attributes TEXT NOT NULL, 
	"order" TEXT NOT NULL, 
	line TEXT NOT NULL, 
	description TEXT NOT NULL, 
	vendor TEXT NOT NULL, 
	contract TEXT NOT NULL, 
	ordered_on DATE, 
	quantity TEXT NOT NULL, 
	amount TEXT NOT NULL, 
	amount_currency TEXT NOT NULL, 
	status TEXT NOT NULL, 
	CONSTRAINT pk_order_line PRIMARY KEY (id)
)
 WITHOUT ROWID

;
CREATE TABLE outbox (
	id TEXT NOT NULL, 
	connection TEXT NOT NULL, 
	project TEXT NOT NULL, 
	address TEXT NOT NULL, 
	field TEXT NOT NULL, 
	mark TEXT NOT NULL, 
	state TEXT NOT NULL, 
	written TEXT, 
	standing TEXT, 
	pending TEXT, 
	remote_id TEXT, 
	attempts BIGINT NOT NULL, 
	message TEXT DEFAULT '' NOT NULL, 
	updated_at DATETIME, 
	CONSTRAINT pk_outbox PRIMARY KEY (id)
);
INSERT INTO "outbox" VALUES('memory:NET-1:comment:NET','memory','NET','NET-1','comment','itpm-0001','done','green',NULL,NULL,'77',1,'','2026-03-02 12:00:00.000000');
CREATE TABLE payment (
	id TEXT NOT NULL, 
	connection TEXT NOT NULL, 
	stream TEXT NOT NULL, 
	source_id TEXT NOT NULL, 
	url TEXT, 
	raw_id TEXT NOT NULL, 
	gone TEXT, 
	gone_since DATETIME, 
	state_from DATETIME NOT NULL, 
	seen_at DATETIME NOT NULL, 
	project_key TEXT DEFAULT '' NOT NULL, 
	work_package TEXT DEFAULT '' NOT NULL, 
	updated_at DATETIME, 
	attributes TEXT NOT NULL, 
	invoice TEXT NOT NULL, 
	vendor TEXT NOT NULL, 
	amount TEXT NOT NULL, 
	amount_currency TEXT NOT NULL, 
	paid_on DATE NOT NULL, 
	CONSTRAINT pk_payment PRIMARY KEY (id)
)
 WITHOUT ROWID

;
CREATE TABLE person (
	id TEXT NOT NULL, 
	connection TEXT NOT NULL, 
	stream TEXT NOT NULL, 
	source_id TEXT NOT NULL, 
	url TEXT, 
	raw_id TEXT NOT NULL, 
	gone TEXT, 
	gone_since DATETIME, 
	state_from DATETIME NOT NULL, 
	seen_at DATETIME NOT NULL, 
	project_key TEXT DEFAULT '' NOT NULL, 
	work_package TEXT DEFAULT '' NOT NULL, 
	updated_at DATETIME, 
	attributes TEXT NOT NULL, 
	name TEXT NOT NULL, 
	email TEXT NOT NULL, 
	team TEXT NOT NULL, 
	role TEXT NOT NULL, 
	active BOOLEAN NOT NULL, 
	skills TEXT NOT NULL, 
	CONSTRAINT pk_person PRIMARY KEY (id)
)
 WITHOUT ROWID

;
CREATE TABLE plan_baseline (
	project TEXT NOT NULL, 
	version BIGINT NOT NULL, 
	"on" DATE NOT NULL, 
	author TEXT DEFAULT '' NOT NULL, 
	approval TEXT DEFAULT '' NOT NULL, 
	change_request TEXT DEFAULT '' NOT NULL, 
	created DATETIME NOT NULL, 
	CONSTRAINT pk_plan_baseline PRIMARY KEY (project, version)
);
INSERT INTO "plan_baseline" VALUES('NET',1,'2026-03-01','Ada','Board, 2026-03-01','','2026-03-02 12:00:00.000000');
CREATE TABLE plan_baseline_line (
	project TEXT NOT NULL, 
	version BIGINT NOT NULL, 
	position BIGINT NOT NULL, 
	section TEXT NOT NULL, 
	data TEXT NOT NULL, 
	CONSTRAINT pk_plan_baseline_line PRIMARY KEY (project, version, position), 
	CONSTRAINT fk_plan_baseline_line_plan_baseline FOREIGN KEY(project, version) REFERENCES plan_baseline (project, version)
);
INSERT INTO "plan_baseline_line" VALUES('NET',1,0,'package','{"budget":"1000.00","code":"1.1"}');
CREATE TABLE project (
	id TEXT NOT NULL, 
	connection TEXT NOT NULL, 
	stream TEXT NOT NULL, 
	source_id TEXT NOT NULL, 
	url TEXT, 
	raw_id TEXT NOT NULL, 
	gone TEXT, 
	gone_since DATETIME, 
	state_from DATETIME NOT NULL, 
	seen_at DATETIME NOT NULL, 
	project_key TEXT DEFAULT '' NOT NULL, 
	work_package TEXT DEFAULT '' NOT NULL, 
	updated_at DATETIME, 
	attributes TEXT NOT NULL, 
	code TEXT NOT NULL, 
	name TEXT NOT NULL, 
	stage TEXT NOT NULL, 
	manager TEXT NOT NULL, 
	sponsor TEXT NOT NULL, 
	currency TEXT NOT NULL, 
	planned_start DATE, 
	planned_finish DATE, 
	actual_finish DATE, 
	planned_cost TEXT, 
	planned_cost_currency TEXT, 
	actual_cost TEXT, 
	actual_cost_currency TEXT, 
	declared_rating TEXT NOT NULL, 
	CONSTRAINT pk_project PRIMARY KEY (id)
)
 WITHOUT ROWID

;
CREATE TABLE rate (
	id TEXT NOT NULL, 
	connection TEXT NOT NULL, 
	stream TEXT NOT NULL, 
	source_id TEXT NOT NULL, 
	url TEXT, 
	raw_id TEXT NOT NULL, 
	gone TEXT, 
	gone_since DATETIME, 
	state_from DATETIME NOT NULL, 
	seen_at DATETIME NOT NULL, 
	project_key TEXT DEFAULT '' NOT NULL, 
	work_package TEXT DEFAULT '' NOT NULL, 
	updated_at DATETIME, 
	attributes TEXT NOT NULL, 
	"of" TEXT NOT NULL, 
	per_hour TEXT NOT NULL, 
	per_hour_currency TEXT NOT NULL, 
	valid_from DATE, 
	valid_to DATE, 
	CONSTRAINT pk_rate PRIMARY KEY (id)
)
 WITHOUT ROWID

;
CREATE TABLE raw_record (
	id TEXT NOT NULL, 
	connection TEXT NOT NULL, 
	stream TEXT NOT NULL, 
	source_id TEXT NOT NULL, 
	scope TEXT DEFAULT '' NOT NULL, 
	updated_at DATETIME, 
	seen_at DATETIME NOT NULL, 
	run TEXT NOT NULL, 
	absent TEXT, 
	absent_since DATETIME, 
	merged_into TEXT, 
	hash BLOB NOT NULL, 
	fingerprint TEXT NOT NULL, 
	kinds TEXT NOT NULL, 
	url TEXT, 
	body BLOB NOT NULL, 
	CONSTRAINT pk_raw_record PRIMARY KEY (id)
);
INSERT INTO "raw_record" VALUES('memory:item:1','memory','item','1','A','2026-03-02 12:30:00.000000','2026-03-02 13:00:00.000000','20260302T120000-bb553a',NULL,NULL,NULL,X'64E2BE5822372879149ABEF5476D935C','723874676c037600','time_entry work_item','https://source.example/1',X'28B52FFD203EF101007B226964223A2231222C227469746C65223A22436F726520726F75746572222C22776F726B223A5B7B226964223A227731222C2273223A373230307D5D7D');
INSERT INTO "raw_record" VALUES('memory:item:2','memory','item','2','A','2026-03-02 10:00:00.000000','2026-03-02 12:00:00.000000','20260302T120000-bb553a',NULL,NULL,NULL,X'37D18C8C7F162A33F9553F7E7AF8CE7D','723874676c037600','work_item','https://source.example/2',X'28B52FFD20463102007B226964223A2232222C227469746C65223A22536368616C7465722066C3BC72204772C3B6C39F65203520E28093202771756F746564273B202D2D20E282AC20F09F9982227D');
INSERT INTO "raw_record" VALUES('memory:item:3','memory','item','3','A','2026-03-02 11:00:00.000000','2026-03-02 12:00:00.000000','20260302T120000-bb553a','deleted','2026-03-02 13:00:00.000000',NULL,X'641BFF5B396F692C905C8DDB9695E9AA','723874676c037600','work_item','https://source.example/3',X'28B52FFD201EF100007B226964223A2233222C227469746C65223A22476F6E6520736F6F6E227D');
CREATE TABLE receipt (
	id TEXT NOT NULL, 
	connection TEXT NOT NULL, 
	stream TEXT NOT NULL, 
	source_id TEXT NOT NULL, 
	url TEXT, 
	raw_id TEXT NOT NULL, 
	gone TEXT, 
	gone_since DATETIME, 
	state_from DATETIME NOT NULL, 
	seen_at DATETIME NOT NULL, 
	project_key TEXT DEFAULT '' NOT NULL, 
	work_package TEXT DEFAULT '' NOT NULL, 
	updated_at DATETIME, 
	attributes TEXT NOT NULL, 
	"order" TEXT NOT NULL, 
	line TEXT NOT NULL, 
	quantity TEXT NOT NULL, 
	received_on DATE NOT NULL, 
	CONSTRAINT pk_receipt PRIMARY KEY (id)
)
 WITHOUT ROWID

;
CREATE TABLE record_version (
	seq INTEGER NOT NULL, 
	kind TEXT NOT NULL, 
	id TEXT NOT NULL, 
	state_from DATETIME NOT NULL, 
	seen_at DATETIME NOT NULL, 
	replaced_at DATETIME NOT NULL, 
	run TEXT NOT NULL, 
	data TEXT NOT NULL, 
	CONSTRAINT pk_record_version PRIMARY KEY (seq)
);
INSERT INTO "record_version" VALUES(1,'work_item','memory:item:1','2026-03-02 09:00:00.000000','2026-03-02 12:00:00.000000','2026-03-02 12:30:00.000000','20260302T120000-bb553a','{"assignee":"","attributes":{},"components":[],"created_at":null,"due":null,"epic":"","estimate_s":null,"key":"1","labels":[],"links":[],"parent":"","points":null,"priority":"","project_key":"","ref":["memory","item","1","https://source.example/1"],"remaining_s":null,"reporter":"","resolution":"","resolved_at":null,"source_status":"","source_type":"","spent_s":null,"sprints":[],"status":"todo","title":"Router","type":"other","updated_at":null,"versions":[],"work_package":""}');
INSERT INTO "record_version" VALUES(2,'time_entry','memory:item.time_entry:1/w1','2026-03-02 09:00:00.000000','2026-03-02 12:00:00.000000','2026-03-02 12:30:00.000000','20260302T120000-bb553a','{"attributes":{},"duration_s":3600,"item":"memory:item:1","note":"","on":"2026-01-01","person":"Ann","project_key":"","ref":["memory","item.time_entry","1/w1","https://source.example/1"],"role":"","started_at":null,"team":"","updated_at":null,"work_package":""}');
CREATE TABLE rejected (
	connection TEXT NOT NULL, 
	stream TEXT NOT NULL, 
	source_id TEXT NOT NULL, 
	place TEXT NOT NULL, 
	field TEXT NOT NULL, 
	message TEXT DEFAULT '' NOT NULL, 
	run TEXT NOT NULL, 
	first_seen DATETIME NOT NULL, 
	CONSTRAINT pk_rejected PRIMARY KEY (connection, stream, source_id, place, field)
);
CREATE TABLE risk (
	id TEXT NOT NULL, 
	connection TEXT NOT NULL, 
	stream TEXT NOT NULL, 
	source_id TEXT NOT NULL, 
	url TEXT, 
	raw_id TEXT NOT NULL, 
	gone TEXT, 
	gone_since DATETIME, 
	state_from DATETIME NOT NULL, 
	seen_at DATETIME NOT NULL, 
	project_key TEXT DEFAULT '' NOT NULL, 
	work_package TEXT DEFAULT '' NOT NULL, 
	updated_at DATETIME, 
	attributes TEXT NOT NULL, 
	code TEXT NOT NULL, 
	title TEXT NOT NULL, 
	probability TEXT, 
	impact TEXT, 
	impact_currency TEXT, 
	status TEXT NOT NULL, 
	owner TEXT NOT NULL, 
	response TEXT NOT NULL, 
	due DATE, 
	CONSTRAINT pk_risk PRIMARY KEY (id)
)
 WITHOUT ROWID

;
CREATE TABLE run (
	id TEXT NOT NULL, 
	job TEXT DEFAULT '' NOT NULL, 
	started DATETIME NOT NULL, 
	finished DATETIME, 
	state TEXT NOT NULL, 
	counts TEXT NOT NULL, 
	message TEXT DEFAULT '' NOT NULL, 
	CONSTRAINT pk_run PRIMARY KEY (id)
);
INSERT INTO "run" VALUES('20260302T120000-bb553a','weekly','2026-03-02 12:00:00.000000','2026-03-02 12:01:00.000000','ok','{"connections":{"memory":{"state":"ok"}}}','two');
CREATE TABLE sighting (
	id TEXT NOT NULL, 
	connection TEXT NOT NULL, 
	stream TEXT NOT NULL, 
	source_id TEXT NOT NULL, 
	scope TEXT NOT NULL, 
	CONSTRAINT pk_sighting PRIMARY KEY (id)
)
 WITHOUT ROWID

;
INSERT INTO "sighting" VALUES('memory:item:1','memory','item','1','A');
INSERT INTO "sighting" VALUES('memory:item:2','memory','item','2','A');
CREATE TABLE snapshot (
	seq INTEGER NOT NULL, 
	data_date DATE NOT NULL, 
	created DATETIME NOT NULL, 
	run TEXT NOT NULL, 
	hash BLOB NOT NULL, 
	body BLOB NOT NULL, 
	CONSTRAINT pk_snapshot PRIMARY KEY (seq)
);
INSERT INTO "snapshot" VALUES(1,'2026-03-01','2026-03-02 12:00:00.000000','20260302T120000-bb553a',X'5D01040A245038C4F5AE99628B6A259C',X'28B52FFD2015A900007B227469746C65223A2250726F6772616D6D65227D');
CREATE TABLE sprint (
	id TEXT NOT NULL, 
	connection TEXT NOT NULL, 
	stream TEXT NOT NULL, 
	source_id TEXT NOT NULL, 
	url TEXT, 
	raw_id TEXT NOT NULL, 
	gone TEXT, 
	gone_since DATETIME, 
	state_from DATETIME NOT NULL, 
	seen_at DATETIME NOT NULL, 
	project_key TEXT DEFAULT '' NOT NULL, 
	work_package TEXT DEFAULT '' NOT NULL, 
	updated_at DATETIME, 
	attributes TEXT NOT NULL, 
	name TEXT NOT NULL, 
	state TEXT NOT NULL, 
	start DATETIME, 
	finish DATETIME, 
	CONSTRAINT pk_sprint PRIMARY KEY (id)
)
 WITHOUT ROWID

;
CREATE TABLE team (
	id TEXT NOT NULL, 
	connection TEXT NOT NULL, 
	stream TEXT NOT NULL, 
	source_id TEXT NOT NULL, 
	url TEXT, 
	raw_id TEXT NOT NULL, 
	gone TEXT, 
	gone_since DATETIME, 
	state_from DATETIME NOT NULL, 
	seen_at DATETIME NOT NULL, 
	project_key TEXT DEFAULT '' NOT NULL, 
	work_package TEXT DEFAULT '' NOT NULL, 
	updated_at DATETIME, 
	attributes TEXT NOT NULL, 
	name TEXT NOT NULL, 
	discipline TEXT NOT NULL, 
	CONSTRAINT pk_team PRIMARY KEY (id)
)
 WITHOUT ROWID

;
CREATE TABLE time_entry (
	id TEXT NOT NULL, 
	connection TEXT NOT NULL, 
	stream TEXT NOT NULL, 
	source_id TEXT NOT NULL, 
	url TEXT, 
	raw_id TEXT NOT NULL, 
	gone TEXT, 
	gone_since DATETIME, 
	state_from DATETIME NOT NULL, 
	seen_at DATETIME NOT NULL, 
	project_key TEXT DEFAULT '' NOT NULL, 
	work_package TEXT DEFAULT '' NOT NULL, 
	updated_at DATETIME, 
	attributes TEXT NOT NULL, 
	item TEXT NOT NULL, 
	person TEXT NOT NULL, 
	role TEXT NOT NULL, 
	team TEXT NOT NULL, 
	"on" DATE NOT NULL, 
	started_at DATETIME, 
	duration_s BIGINT NOT NULL, 
	note TEXT NOT NULL, 
	CONSTRAINT pk_time_entry PRIMARY KEY (id)
)
 WITHOUT ROWID

;
INSERT INTO "time_entry" VALUES('memory:item.time_entry:1/w1','memory','item.time_entry','1/w1','https://source.example/1','memory:item:1',NULL,NULL,'2026-03-02 12:30:00.000000','2026-03-02 13:00:00.000000','','',NULL,'{}','memory:item:1','Ann','','','2026-01-01',NULL,7200,'');
CREATE TABLE work_item (
	id TEXT NOT NULL, 
	connection TEXT NOT NULL, 
	stream TEXT NOT NULL, 
	source_id TEXT NOT NULL, 
	url TEXT, 
	raw_id TEXT NOT NULL, 
	gone TEXT, 
	gone_since DATETIME, 
	state_from DATETIME NOT NULL, 
	seen_at DATETIME NOT NULL, 
	project_key TEXT DEFAULT '' NOT NULL, 
	work_package TEXT DEFAULT '' NOT NULL, 
	updated_at DATETIME, 
	attributes TEXT NOT NULL, 
	"key" TEXT NOT NULL, 
	title TEXT NOT NULL, 
	type TEXT NOT NULL, 
	source_type TEXT NOT NULL, 
	status TEXT NOT NULL, 
	source_status TEXT NOT NULL, 
	resolution TEXT NOT NULL, 
	priority TEXT NOT NULL, 
	points TEXT, 
	estimate_s BIGINT, 
	spent_s BIGINT, 
	remaining_s BIGINT, 
	assignee TEXT NOT NULL, 
	reporter TEXT NOT NULL, 
	parent TEXT NOT NULL, 
	epic TEXT NOT NULL, 
	components TEXT NOT NULL, 
	labels TEXT NOT NULL, 
	versions TEXT NOT NULL, 
	sprints TEXT NOT NULL, 
	links TEXT NOT NULL, 
	created_at DATETIME, 
	resolved_at DATETIME, 
	due DATE, 
	CONSTRAINT pk_work_item PRIMARY KEY (id)
)
 WITHOUT ROWID

;
INSERT INTO "work_item" VALUES('memory:item:1','memory','item','1','https://source.example/1','memory:item:1',NULL,NULL,'2026-03-02 12:30:00.000000','2026-03-02 13:00:00.000000','','',NULL,'{}','1','Core router','other','','todo','','','',NULL,NULL,NULL,NULL,'','','','','[]','[]','[]','[]','[]',NULL,NULL,NULL);
INSERT INTO "work_item" VALUES('memory:item:2','memory','item','2','https://source.example/2','memory:item:2',NULL,NULL,'2026-03-02 10:00:00.000000','2026-03-02 12:00:00.000000','','',NULL,'{}','2','Schalter für Größe 5 – ''quoted''; -- € 🙂','other','','todo','','','',NULL,NULL,NULL,NULL,'','','','','[]','[]','[]','[]','[]',NULL,NULL,NULL);
INSERT INTO "work_item" VALUES('memory:item:3','memory','item','3','https://source.example/3','memory:item:3','deleted','2026-03-02 13:00:00.000000','2026-03-02 11:00:00.000000','2026-03-02 12:00:00.000000','','',NULL,'{}','3','Gone soon','other','','todo','','','',NULL,NULL,NULL,NULL,'','','','','[]','[]','[]','[]','[]',NULL,NULL,NULL);
CREATE TABLE work_package (
	id TEXT NOT NULL, 
	connection TEXT NOT NULL, 
	stream TEXT NOT NULL, 
	source_id TEXT NOT NULL, 
	url TEXT, 
	raw_id TEXT NOT NULL, 
	gone TEXT, 
	gone_since DATETIME, 
	state_from DATETIME NOT NULL, 
	seen_at DATETIME NOT NULL, 
	project_key TEXT DEFAULT '' NOT NULL, 
	work_package TEXT DEFAULT '' NOT NULL, 
	updated_at DATETIME, 
	attributes TEXT NOT NULL, 
	code TEXT NOT NULL, 
	name TEXT NOT NULL, 
	parent TEXT NOT NULL, 
	team TEXT NOT NULL, 
	planned_start DATE, 
	planned_finish DATE, 
	actual_start DATE, 
	actual_finish DATE, 
	budget TEXT, 
	budget_currency TEXT, 
	planned_effort_s BIGINT, 
	method TEXT NOT NULL, 
	percent_complete TEXT, 
	depends_on TEXT NOT NULL, 
	CONSTRAINT pk_work_package PRIMARY KEY (id)
)
 WITHOUT ROWID

;
CREATE INDEX ix_completeness_connection_recorded ON completeness (connection, recorded);
CREATE INDEX ix_raw_record_connection_stream_scope_absent ON raw_record (connection, stream, scope, absent);
CREATE INDEX ix_record_version_id_kind_state_from ON record_version (id, kind, state_from);
CREATE INDEX ix_run_started ON run (started);
CREATE INDEX ix_sighting_connection_stream ON sighting (connection, stream);
CREATE INDEX ix_snapshot_data_date_seq ON snapshot (data_date, seq);
CREATE INDEX ix_project_raw_id ON project (raw_id);
CREATE INDEX ix_team_raw_id ON team (raw_id);
CREATE INDEX ix_person_raw_id ON person (raw_id);
CREATE INDEX ix_rate_raw_id ON rate (raw_id);
CREATE INDEX ix_fx_rate_raw_id ON fx_rate (raw_id);
CREATE INDEX ix_work_package_raw_id ON work_package (raw_id);
CREATE INDEX ix_baseline_raw_id ON baseline (raw_id);
CREATE INDEX ix_work_item_raw_id ON work_item (raw_id);
CREATE INDEX ix_field_change_raw_id ON field_change (raw_id);
CREATE INDEX ix_help_desk_item_raw_id ON help_desk_item (raw_id);
CREATE INDEX ix_time_entry_raw_id ON time_entry (raw_id);
CREATE INDEX ix_contract_raw_id ON contract (raw_id);
CREATE INDEX ix_order_line_raw_id ON order_line (raw_id);
CREATE INDEX ix_receipt_raw_id ON receipt (raw_id);
CREATE INDEX ix_invoice_line_raw_id ON invoice_line (raw_id);
CREATE INDEX ix_payment_raw_id ON payment (raw_id);
CREATE INDEX ix_milestone_raw_id ON milestone (raw_id);
CREATE INDEX ix_sprint_raw_id ON sprint (raw_id);
CREATE INDEX ix_risk_raw_id ON risk (raw_id);
CREATE INDEX ix_change_request_raw_id ON change_request (raw_id);
CREATE INDEX ix_gate_raw_id ON gate (raw_id);
COMMIT;
