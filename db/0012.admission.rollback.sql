drop type forge.edited;
drop type forge.job_filter;
drop type forge.payload_check_row;
drop type forge.admission_row;
drop table forge.payload_checks;
drop table forge.deferrals;
drop table forge.admissions;
drop function forge._is_open(text, text);
